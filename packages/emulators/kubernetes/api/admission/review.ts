/** The request part of an `AdmissionReview`, see https://kubernetes.io/docs/reference/config-api/apiserver-admission.v1/. */

import type { JsonObject } from "../json.ts";
import type { AdmissionRequest, RequestContext } from "../requests/context.ts";

const OPTIONS_KIND = { CREATE: "CreateOptions", UPDATE: "UpdateOptions", DELETE: "DeleteOptions" } as const;

/** What a webhook and an expression are told about a request. */
export function admissionRequestBody(request: AdmissionRequest, context: RequestContext, uid: string): JsonObject {
  const { type, subresource, operation } = request;
  const kind = request.kind ?? { group: type.group, version: type.version, kind: type.kind };
  const resource = { group: type.group, version: type.version, resource: type.resource };
  const part = subresource === undefined ? {} : { subResource: subresource, requestSubResource: subresource };
  return {
    uid,
    kind,
    resource,
    requestKind: kind,
    requestResource: resource,
    ...part,
    ...(request.name === "" ? {} : { name: request.name }),
    ...(request.namespace === undefined ? {} : { namespace: request.namespace }),
    operation,
    userInfo: {
      username: context.user.username,
      ...(context.user.uid === undefined ? {} : { uid: context.user.uid }),
      groups: [...context.user.groups],
    },
    object: request.object ?? null,
    oldObject: request.oldObject ?? null,
    dryRun: context.dryRun,
    options: { kind: OPTIONS_KIND[operation], apiVersion: "meta.k8s.io/v1", ...request.options },
  };
}
