/**
 * Watches over HTTP: a line of JSON per change, with bookmarks, a time limit, and 410 for a version that is forgotten.
 * See https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes.
 */

import type { KubernetesObject, WatchEvent } from "../../ports.ts";
import type { JsonObject } from "../json.ts";
import type { ApiState } from "../requests/context.ts";
import { isSelected, type Selection, tooOld } from "../requests/read.ts";
import { shownAs } from "../requests/views.ts";
import { eventFor } from "../requests/watch.ts";
import { apiVersionOf } from "../resource-type.ts";
import { badRequest, expired } from "../statuses.ts";
import { asTable, type IncludeObject, partialMetadata } from "../tables/table.ts";
import type { Form } from "./accept.ts";
import type { HttpExchange } from "./exchange.ts";

/** A client that is further behind than this is cut off. */
const BACKLOG_BYTES_MAX = 32 * 1024 * 1024;
const TIMEOUT_MIN_SECONDS = 1_800;
const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

/** How a watch was asked for. */
export interface WatchRequest {
  selection: Selection;
  form: Form;
  include: IncludeObject;
  query: URLSearchParams;
  /** Seconds between bookmarks. */
  bookmarkSeconds: number;
  /** Answer 410 whatever the version is. */
  expire: boolean;
}

/** Serves the watch until it times out, the client goes, or the returned function is called. */
export function serveWatch(state: ApiState, request: WatchRequest, exchange: HttpExchange): () => void {
  const { selection, query } = request;
  const start = startOf(query);
  exchange.begin(200, "application/json");
  exchange.response.flushHeaders();
  const writer = eventWriter(state, request, exchange);
  const stops: (() => void)[] = [];
  let open = true;
  const stop = () => {
    if (!open) return;
    open = false;
    for (const each of stops) each();
    exchange.end();
  };
  exchange.response.on("close", stop);

  const missed = start.revision === undefined ? [] : state.store.since(selection.type.collection, start.revision);
  if (request.expire || missed === "expired") {
    const oldest = state.store.oldestRevision(selection.type.collection);
    writer.error(expired(tooOld(start.revision ?? 0, oldest)).status);
    stop();
    return stop;
  }
  if (start.initial) {
    for (const object of state.store.list(selection.type.collection)) {
      if (isSelected(selection, object)) writer.event({ type: "ADDED", object: shownAs(selection.type, object) });
    }
    if (start.endMark) writer.bookmark(true);
  }
  // Who asks from a version that this server has yet to reach hears nothing before it.
  const from = start.revision ?? 0;
  for (const change of missed) {
    const event = eventFor(selection, change);
    if (event !== undefined) writer.event(event);
  }
  stops.push(
    state.store.watch(selection.type.collection, (change) => {
      if (change.revision <= from) return;
      const event = eventFor(selection, change);
      if (event === undefined) return;
      writer.event(event);
      if (exchange.response.writableLength > BACKLOG_BYTES_MAX) exchange.response.destroy();
    }),
  );
  const bookmark = () => {
    if (query.get("allowWatchBookmarks") === "true" && state.store.revision >= from) writer.bookmark(false);
  };
  stops.push(every(state, request.bookmarkSeconds * 1000, bookmark));
  const seconds = Number(query.get("timeoutSeconds") ?? 0) || TIMEOUT_MIN_SECONDS * (1 + state.random());
  stops.push(
    state.clock.schedule(seconds * 1000, () => {
      bookmark();
      stop();
    }),
  );
  return stop;
}

interface Start {
  /** Resume after this revision. */
  revision: number | undefined;
  /** Tell first what exists. */
  initial: boolean;
  /** Tell where the initial events end. */
  endMark: boolean;
}

function startOf(query: URLSearchParams): Start {
  const text = query.get("resourceVersion") ?? "";
  if (query.get("sendInitialEvents") === "true") return { revision: undefined, initial: true, endMark: true };
  if (text === "" || text === "0") return { revision: undefined, initial: true, endMark: false };
  const revision = Number(text);
  if (Number.isInteger(revision) && revision > 0) return { revision, initial: false, endMark: false };
  throw badRequest(
    `Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
  );
}

function every(state: ApiState, periodMs: number, run: () => void): () => void {
  let cancel = () => {};
  const again = () => {
    run();
    cancel = state.clock.schedule(periodMs, again);
  };
  cancel = state.clock.schedule(periodMs, again);
  return () => cancel();
}

interface EventWriter {
  event(event: WatchEvent): void;
  bookmark(endsInitialEvents: boolean): void;
  error(status: unknown): void;
}

/** Objects are shared between watchers, so that each is written as JSON once. */
const written = new WeakMap<KubernetesObject, string>();

function jsonOf(object: KubernetesObject): string {
  let text = written.get(object);
  if (text === undefined) {
    text = JSON.stringify(object);
    written.set(object, text);
  }
  return text;
}

function eventWriter(state: ApiState, request: WatchRequest, exchange: HttpExchange): EventWriter {
  const { type } = request.selection;
  let columns = true;
  const line = (kind: string, json: string) => exchange.write(`{"type":"${kind}","object":${json}}\n`);
  const table = (object: KubernetesObject): JsonObject => {
    const { resourceVersion = "" } = object.metadata;
    const options = { metadata: { resourceVersion }, include: request.include, nowMs: state.clock.now(), columns };
    columns = false;
    return asTable(type, [object], options);
  };
  return {
    event: ({ type: kind, object }) => {
      if (request.form === "table") line(kind, JSON.stringify(table(object)));
      else if (request.form === "partial") line(kind, JSON.stringify(partialMetadata(object)));
      else line(kind, jsonOf(object));
    },
    bookmark: (endsInitialEvents) => {
      const annotations = endsInitialEvents ? { annotations: { [INITIAL_EVENTS_END]: "true" } } : {};
      const metadata = { resourceVersion: String(state.store.revision), creationTimestamp: null, ...annotations };
      line("BOOKMARK", JSON.stringify({ kind: type.kind, apiVersion: apiVersionOf(type), metadata }));
    },
    error: (status) => line("ERROR", JSON.stringify(status)),
  };
}
