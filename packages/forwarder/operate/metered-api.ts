import { podEniKey } from "@trunkline/kubernetes";
import { type ApiAnswer, type ApiRequest, isSuccess, type KubernetesApi } from "../ports/api.ts";
import type { ForwarderClock } from "../ports/clock.ts";
import type { Metrics } from "../ports/metrics.ts";

/** An API server whose requests are counted. */
export interface MeteredApi extends KubernetesApi {
  /**
   * Collections that are followed and from which nothing was heard or asked for so many milliseconds. Whatever the API server
   * does, a reflector asks again within minutes; one that does not is broken, and only a new process mends it.
   */
  silentFor(milliseconds: number): readonly string[];
}

const collectionPattern = /^(?:\/apis\/[^/]+\/[^/]+|\/api\/v1)(?:\/namespaces\/[^/]+(?=\/))?\/([a-z]+)(\/?)/;

/** Of a node's status the forwarder writes nothing but the capacity. */
const capacityPattern = /^\/api\/v1\/nodes\/[^/]+\/status$/;

/** `/api/v1/namespaces/a/pods?limit=5` is a list of `pods`; a path of one object is none. */
const listedCollection = (path: string): string | undefined => {
  const [pathname = ""] = path.split("?");
  const found = collectionPattern.exec(pathname);
  return found?.[2] === "" ? found[1] : undefined;
};

/** Counts what goes to the API server and what comes back, without changing any of it. */
export const createMeteredApi = (api: KubernetesApi, clock: ForwarderClock, metrics: Metrics): MeteredApi => {
  const heardAt = new Map<string, number>();
  const hear = (collection: string): void => void heardAt.set(collection, clock.monotonic());

  const account = (request: ApiRequest, answer: ApiAnswer | undefined): void => {
    const { method } = request;
    metrics.count("rest_client_requests_total", { method, code: String(answer?.status ?? "<error>") });
    const collection = method === "GET" ? listedCollection(request.path) : undefined;
    if (collection !== undefined) {
      const result = answer === undefined ? "failed" : answer.status === 200 ? "ok" : "refused";
      metrics.count("trunkline_lists_total", { collection, result });
    }
    const hasFailed = answer === undefined || !isSuccess(answer);
    if (method === "PATCH" && capacityPattern.test(request.path)) {
      metrics.count("advertise_resource_request_call_count", { resource_name: podEniKey });
      if (hasFailed) metrics.count("advertise_resource_request_err_count", { resource_name: podEniKey });
    }
    // The only JSON patch of the forwarder is that of the annotation; servers tell a failed test as 422 or 409.
    if (request.contentType !== "application/json-patch+json") return;
    metrics.count("annotate_pod_request_call_count", { annotate_key: podEniKey });
    if (hasFailed) metrics.count("annotate_pod_request_err_count", { annotate_key: podEniKey });
    if (answer?.status === 409 || answer?.status === 422) {
      metrics.count("trunkline_annotation_conflicts_total", {});
    }
  };

  return {
    request: async (request) => {
      const startedAt = clock.monotonic();
      const collection = request.method === "GET" ? listedCollection(request.path) : undefined;
      if (collection !== undefined && heardAt.has(collection)) hear(collection);
      try {
        const answer = await api.request(request);
        account(request, answer);
        return answer;
      } catch (problem) {
        account(request, undefined);
        throw problem;
      } finally {
        const seconds = (clock.monotonic() - startedAt) / 1_000;
        metrics.observe("rest_client_request_duration_seconds", { verb: request.method }, seconds);
      }
    },
    watch: (path, listener) => {
      const collection = listedCollection(path) ?? "other";
      hear(collection);
      return api.watch(path, {
        event: (type, object) => {
          hear(collection);
          listener.event(type, object);
        },
        ended: (ending) => {
          hear(collection);
          listener.ended(ending);
        },
      });
    },
    silentFor: (milliseconds) => {
      const since = clock.monotonic() - milliseconds;
      return [...heardAt].filter(([, at]) => at < since).map(([collection]) => collection);
    },
  };
};
