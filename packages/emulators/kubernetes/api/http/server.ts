/** The HTTP face of the API server. */

import { createServer, type Server } from "node:http";
import type { LogSource } from "../../ports.ts";
import { attributesOf, isPath, isWatch } from "../authorization/attributes.ts";
import { type Authority, type Authorization, authorize, demand } from "../authorization/authorize.ts";
import { isObject } from "../json.ts";
import type { ApiState, RequestContext, User } from "../requests/context.ts";
import { badRequest, methodNotAllowed, noSuchPath } from "../statuses.ts";
import { acceptedForm, includedObject } from "./accept.ts";
import { AGGREGATED, discover } from "./discovery.ts";
import { type Exchange, HttpExchange } from "./exchange.ts";
import { type Fault, type Faults, parseFaults, statusOfFault } from "./faults.ts";
import { serveLogs } from "./logs.ts";
import { OPENAPI_V2, OPENAPI_V2_PROTOBUF, openApiV3 } from "./openapi.ts";
import { outagesOf } from "./outages.ts";
import { type ResourceRoute, resourceRoute } from "./route.ts";
import { type ResourceRequest, requestSelection, serveList, serveResource } from "./serve-resource.ts";
import type { Tokens } from "./users.ts";
import { serveWatch } from "./watch-stream.ts";

/** What the server is made of. */
export interface HttpServerOptions {
  state: ApiState;
  tokens: Tokens;
  faults: Faults;
  /** Seconds between the bookmarks of a watch. */
  bookmarkSeconds: number;
  logSource(): LogSource | undefined;
  /** Hears every finished exchange. */
  onExchange?: (exchange: Exchange) => void;
  /** Hears every decision about who may do what. */
  onAuthorization?: (authorization: Authorization) => void;
}

/** The server, and its open watches. */
export interface HttpFace {
  server: Server;
  /** Ends every watch and followed log, as a restart of the server would. */
  dropWatches(): void;
  inject(fault: Fault): void;
  /** Ends everything for good. */
  close(): Promise<void>;
}

/** A watch or a followed log that is open. */
interface OpenStream {
  path: string;
  stop(): void;
  silence(): void;
}

const MANAGER_CHARACTERS_MAX = 128;
/** Longer than clients keep idle connections, so that it is they who close them and none is lost on the way. */
const KEEP_ALIVE_MS = 120_000;
const CONTROL = "/_control/faults";

/** Makes the server; it does not listen yet. */
export function httpFace(options: HttpServerOptions): HttpFace {
  const open = new Set<OpenStream>();
  const dropWatches = () => {
    for (const { stop } of open) stop();
    open.clear();
  };
  const silence = (path = "") => {
    for (const stream of open) if (stream.path.includes(path)) stream.silence();
  };
  const inject = (fault: Fault) => {
    if (fault.kind === "drop-watches") dropWatches();
    else if (fault.kind === "forget-history") options.state.store.forgetHistory();
    else if (fault.kind === "silence") silence(fault.path);
    else if (fault.kind === "outage") outages.begin(fault.durationMs);
    else options.faults.add(fault);
  };
  const server = createServer((request, response) => {
    const exchange = new HttpExchange(request, response, options.onExchange);
    answer({ ...options, open, inject }, exchange).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else exchange.refuse(error);
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const outages = outagesOf(server, options.state.clock);
  const close = async () => {
    outages.end();
    dropWatches();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
  return { server, dropWatches, inject, close };
}

interface Serving extends HttpServerOptions {
  open: Set<OpenStream>;
  inject(fault: Fault): void;
}

async function answer(serving: Serving, exchange: HttpExchange): Promise<void> {
  const { faults, state } = serving;
  const path = exchange.url.pathname;
  const met = { method: exchange.method, path };
  if (path === CONTROL) return control(serving, exchange);
  const delay = faults.take("delay", met);
  if (delay !== undefined) await new Promise<void>((resolve) => state.clock.schedule(delay.delayMs, resolve));
  const reset = faults.take("reset", met);
  if (reset !== undefined && reset.when !== "after") {
    exchange.response.destroy();
    return;
  }
  const refusal = faults.take("status", met);
  if (refusal !== undefined) throw statusOfFault(refusal);
  // An answer that gets lost is one that is written to nobody.
  if (reset !== undefined) exchange.response.write = () => exchange.response.destroy() === undefined;
  const user = userOf(serving, exchange);
  if (!(await serveFixed(serving, exchange))) await serveTyped(serving, exchange, user);
}

/** Whom the request acts as. Throws 401 and 403; what does not exist is forbidden too, as on a real API server. */
function userOf({ state, tokens, onAuthorization }: Serving, { method, url, request }: HttpExchange): User {
  const authenticated = tokens.userOf(request.headers.authorization, state.clock.now());
  return authorize(authorityOf(state, onAuthorization), authenticated, { method, url, headers: request.headers });
}

function authorityOf({ authorizer }: ApiState, onAuthorization: Authority["onAuthorization"]): Authority {
  return { authorizer, ...(onAuthorization === undefined ? {} : { onAuthorization }) };
}

/** An applied configuration that creates its object needs the right to create as well. */
function demandCreation({ state, onAuthorization }: Serving, exchange: HttpExchange, request: ResourceRequest): void {
  const { type, namespace, name = "", context } = request;
  if (request.method !== "PATCH" || !request.contentType.startsWith("application/apply-patch")) return;
  if (state.store.get(type.collection, namespace, name) !== undefined) return;
  const asked = attributesOf(exchange.method, exchange.url);
  if (!isPath(asked)) demand(authorityOf(state, onAuthorization), context.user, { ...asked, verb: "create" });
}

async function control({ faults, inject }: Serving, exchange: HttpExchange): Promise<void> {
  if (exchange.method === "POST") for (const fault of parseFaults(await exchange.body())) inject(fault);
  else if (exchange.method === "DELETE") faults.clear();
  else if (exchange.method !== "GET") throw methodNotAllowed();
  exchange.answer({ status: 200, body: { faults: faults.waiting() } });
}

/** Health, discovery and OpenAPI; answers whether the path was one of them. */
async function serveFixed({ state }: Serving, exchange: HttpExchange): Promise<boolean> {
  const path = exchange.url.pathname.replace(/(.)\/$/, "$1");
  const accept = exchange.request.headers.accept ?? "";
  if (["/healthz", "/livez", "/readyz"].includes(path)) {
    exchange.answer({ status: 200, body: "ok", contentType: "text/plain; charset=utf-8" });
    return true;
  }
  if (path === "/openapi/v2") {
    const protobuf = accept.includes("proto-openapi.spec.v2");
    const contentType = protobuf ? "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" : "application/json";
    exchange.answer({ status: 200, body: protobuf ? OPENAPI_V2_PROTOBUF : OPENAPI_V2, contentType });
    return true;
  }
  const aggregated = accept.includes("as=APIGroupDiscoveryList") && accept.includes("v=v2");
  const found = openApiV3(state.types, path) ?? discover(state.types, path, aggregated);
  if (found === undefined) return false;
  const isAggregated = found.kind === "APIGroupDiscoveryList";
  exchange.answer({ status: 200, body: found, ...(isAggregated ? { contentType: AGGREGATED } : {}) });
  return true;
}

async function serveTyped(serving: Serving, exchange: HttpExchange, user: User): Promise<void> {
  const { state, open } = serving;
  const route = resourceRoute(exchange.url.pathname);
  const type = route === undefined ? undefined : state.types.atPath(route.group, route.version, route.resource);
  if (route === undefined || type === undefined || !hasPart(route, type.subresources)) {
    exchange.answer({ status: 404, body: "404 page not found\n", contentType: "text/plain; charset=utf-8" });
    return;
  }
  if (!type.namespaced && route.namespace !== undefined) throw noSuchPath();
  const { url, method } = exchange;
  const form = acceptedForm(exchange.request.headers.accept);
  const isLog = route.subresource === "log";
  if (form === undefined && !isLog) {
    exchange.answer({
      status: 406,
      body: "only the following media types are accepted: application/json\n",
      contentType: "text/plain",
    });
    return;
  }
  const body = method === "GET" ? undefined : await exchange.body();
  const request: ResourceRequest = {
    ...route,
    type,
    method,
    query: url.searchParams,
    contentType: (exchange.request.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "",
    body,
    form: form ?? "json",
    include: includedObject(url.searchParams),
    context: contextOf(exchange, user, body),
  };
  if (method === "GET" && isLog) {
    track(open, exchange, serveLogs(state, serving.logSource(), { ...request, name: route.name ?? "" }, exchange));
    return;
  }
  if (method === "GET" && (route.name === undefined || isWatch(url.searchParams))) {
    return serveReading(serving, exchange, request);
  }
  demandCreation(serving, exchange, request);
  exchange.answer(await serveResource(serving, request));
}

function hasPart(route: ResourceRoute, parts: readonly string[]): boolean {
  return route.subresource === undefined || parts.includes(route.subresource);
}

function serveReading(serving: Serving, exchange: HttpExchange, request: ResourceRequest): void {
  const { state, faults, open } = serving;
  if (!request.type.verbs.includes("list")) throw methodNotAllowed();
  const query = new URLSearchParams(request.query);
  // A watch of one object by its path is a watch of its collection by its name.
  if (request.name !== undefined) query.set("fieldSelector", `metadata.name=${request.name}`);
  const selection = requestSelection({ ...request, query });
  if (!isWatch(query)) {
    exchange.answer(serveList(state, request, selection));
    return;
  }
  const met = { method: exchange.method, path: exchange.url.pathname };
  const expire = faults.take("expire-watch", met) !== undefined;
  const { form, include } = request;
  const stop = serveWatch(
    state,
    { selection, form, include, query, bookmarkSeconds: serving.bookmarkSeconds, expire },
    exchange,
  );
  track(open, exchange, stop);
}

/** Remembers what is open until the connection closes. */
function track(open: Set<OpenStream>, exchange: HttpExchange, stop: () => void): void {
  const stream: OpenStream = { path: exchange.url.pathname, stop, silence: () => exchange.silence() };
  open.add(stream);
  exchange.response.on("close", () => open.delete(stream));
}

function contextOf(exchange: HttpExchange, user: RequestContext["user"], body: unknown): RequestContext {
  const query = exchange.url.searchParams;
  const agent = exchange.request.headers["user-agent"] ?? "unknown";
  const inBody = isObject(body) && body.kind === "DeleteOptions" ? body.dryRun : undefined;
  const dryRun = query.getAll("dryRun").concat(Array.isArray(inBody) ? inBody.map(String) : []);
  if (dryRun.some((value) => value !== "All"))
    throw badRequest(`Invalid value: ${JSON.stringify(dryRun)}: dryRun must be All`);
  const validation = query.get("fieldValidation") ?? "Warn";
  if (validation !== "Ignore" && validation !== "Warn" && validation !== "Strict") {
    throw badRequest(
      `fieldValidation: Unsupported value: ${JSON.stringify(validation)}: supported values: "Ignore", "Warn", "Strict"`,
    );
  }
  return {
    user,
    dryRun: dryRun.length > 0,
    fieldManager: query.get("fieldManager") ?? (agent.split("/")[0] ?? "unknown").slice(0, MANAGER_CHARACTERS_MAX),
    fieldValidation: validation,
    warn: (text) => exchange.warn(text),
  };
}
