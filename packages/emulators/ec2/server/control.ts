import type { Ec2ConfigPatch } from "../model/config.ts";
import { Ec2Error } from "../model/errors.ts";
import type { Ec2Model } from "../model/model.ts";
import { parseConfigChange, parseFault, parseReachQuery } from "./control-input.ts";
import type { LatencyConfig } from "./latency.ts";
import type { Regions } from "./regions.ts";

/** Where the control endpoint begins. */
export const CONTROL_PATH = "/_control/";

/** What the control endpoint works on. */
export interface ControlSettings {
  readonly regions: Regions;
  readonly latency: () => LatencyConfig;
  /** Changes the configuration of all Regions, and the latency. */
  readonly configure: (change: { readonly model: Ec2ConfigPatch; readonly latency?: LatencyConfig }) => void;
}

/** A request to the control endpoint; no body means that it was too large. */
export interface ControlRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: string | undefined;
}

/** What the control endpoint answers. */
export interface ControlAnswer {
  readonly status: number;
  readonly json: unknown;
}

type Route = (settings: ControlSettings, model: Ec2Model, request: ControlRequest) => unknown;

/**
 * What can be done to the emulator beside EC2's own API. All but the configuration concerns one Region: that of
 * `?region=`, or else the home Region.
 */
const ROUTES: Readonly<Record<string, Route>> = {
  "GET config": (settings, model) => ({ ...model.config, latency: settings.latency() }),
  "POST config": (settings, model, { body }) => {
    settings.configure(parseConfigChange(parseJson(body)));
    return { ...model.config, latency: settings.latency() };
  },
  "GET faults": (_, model) => model.faults.list(),
  "POST faults": (_, model, { body }) => ({ id: model.faults.add(parseFault(parseJson(body))) }),
  "DELETE faults": (_, model, { url }) => {
    const id = url.searchParams.get("id");
    if (id === null) model.faults.clear();
    else model.faults.remove(Number(id));
    return model.faults.list();
  },
  "GET stats": (_, model) => model.stats(),
  "DELETE stats": (_, model) => {
    model.resetStats();
    return model.stats();
  },
  "DELETE buckets": (_, model) => {
    model.refillBuckets();
    return {};
  },
  "POST reach": (_, model, { body }) => model.reach(parseReachQuery(parseJson(body))),
  "GET state": (_, model) => model.state(),
};

/** Answers a control request: 200, 400 with a sentence about what is wrong with the input, or 404. */
export function answerControl(settings: ControlSettings, request: ControlRequest): ControlAnswer {
  const name = `${request.method} ${request.url.pathname.slice(CONTROL_PATH.length)}`;
  const route = Object.hasOwn(ROUTES, name) ? ROUTES[name] : undefined;
  if (!route) return { status: 404, json: { message: `There is no ${name}.`, routes: Object.keys(ROUTES) } };
  try {
    const model = settings.regions.model(request.url.searchParams.get("region") ?? settings.regions.home);
    return { status: 200, json: route(settings, model, request) };
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError || error instanceof Ec2Error) {
      return { status: 400, json: { message: error.message } };
    }
    throw error;
  }
}

function parseJson(body: string | undefined): unknown {
  if (body === undefined) throw new RangeError("The body is too large.");
  return JSON.parse(body);
}
