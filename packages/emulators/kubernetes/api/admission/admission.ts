/** The whole admission chain, in the order of the API server. */

import { copy } from "../json.ts";
import type { Admission, ApiState } from "../requests/context.ts";
import { checkDeletion, checkNamespace, completePod } from "./plugins.ts";
import { validateByPolicies } from "./policies.ts";
import { mutateByWebhooks, validateByWebhooks, type WebhookCaller } from "./webhooks.ts";

/** Admission by plugins, webhooks and policies. `state` is asked for late, because it holds this admission itself. */
export function admissionChain(state: () => ApiState, call: WebhookCaller): Admission {
  return {
    mutate: async (request, context) => {
      checkNamespace(state(), request);
      const object = copy(request.object);
      const isNewPod = request.operation === "CREATE" && request.type.collection === "/pods";
      if (isNewPod && request.subresource === undefined) completePod(state(), request, object);
      return mutateByWebhooks({ state: state(), call }, { ...request, object }, context);
    },
    validate: async (request, context) => {
      checkDeletion(request);
      validateByPolicies(state(), request, context);
      await validateByWebhooks({ state: state(), call }, request, context);
    },
  };
}
