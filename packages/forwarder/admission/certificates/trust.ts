import type { JsonPatchOperation } from "@trunkline/kubernetes";
import { type ApiAnswer, isSuccess, type KubernetesApi, refusalOf } from "../../ports/api.ts";
import type { Log } from "../../ports/log.ts";

/** The service whose webhooks the API servers call. */
export interface ServiceName {
  readonly name: string;
  readonly namespace: string;
}

const group = "/apis/admissionregistration.k8s.io/v1";

/** The configurations of the webhooks, as `deploy/` names them. */
const configurations = [
  `${group}/mutatingwebhookconfigurations/vpc-resource-mutating-webhook`,
  `${group}/validatingwebhookconfigurations/vpc-resource-validating-webhook`,
] as const;

interface Configuration {
  readonly webhooks?: readonly {
    readonly name?: string;
    readonly clientConfig?: { readonly service?: Partial<ServiceName>; readonly caBundle?: string };
  }[];
}

/** What puts the bundle into those webhooks that call the service and do not have it; tests that each is still in its place. */
export const trustPatch = (
  { webhooks = [] }: Configuration,
  service: ServiceName,
  caBundle: string,
): readonly JsonPatchOperation[] =>
  webhooks.flatMap(({ name, clientConfig }, index) => {
    const called = clientConfig?.service;
    if (called?.name !== service.name || called.namespace !== service.namespace) return [];
    if (clientConfig?.caBundle === caBundle) return [];
    return [
      { op: "test", path: `/webhooks/${index}/name`, value: name },
      { op: "add", path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle },
    ];
  });

export interface TrustOptions {
  readonly api: Pick<KubernetesApi, "request">;
  readonly log: Log;
  readonly service: ServiceName;
}

/** Whether both configurations hold the bundle (PEM); one that is not installed needs none. Rejects when they cannot be read. */
export const isTrusted = async (options: TrustOptions, bundle: string): Promise<boolean> => {
  const found = await Promise.all(configurations.map((path) => readConfiguration(options, path)));
  const caBundle = encoded(bundle);
  return found.every((configuration) => trustPatch(configuration, options.service, caBundle).length === 0);
};

/** Puts the bundle (PEM) into both configurations where it is not. Rejects when a configuration cannot be read or changed. */
export const announce = async (options: TrustOptions, bundle: string): Promise<void> => {
  const caBundle = encoded(bundle);
  for (const path of configurations) {
    const body = trustPatch(await readConfiguration(options, path), options.service, caBundle);
    if (body.length === 0) continue;
    accepted(
      await options.api.request({ method: "PATCH", path, body, contentType: "application/json-patch+json" }),
      path,
    );
    options.log("info", "The API servers are told which authority to trust.", { configuration: nameOf(path) });
  }
};

const readConfiguration = async ({ api }: TrustOptions, path: string): Promise<Configuration> => {
  const answer = await api.request({ method: "GET", path });
  return answer.status === 404 ? {} : (accepted(answer, path) as Configuration);
};

const accepted = (answer: ApiAnswer, path: string): unknown => {
  if (!isSuccess(answer)) throw new Error(`${nameOf(path)}: ${refusalOf(answer)}`);
  return answer.body;
};

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
const encoded = (bundle: string): string => Buffer.from(bundle).toString("base64");
