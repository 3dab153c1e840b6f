/** What every request to the API server carries, and what it works on. */

import type { Clock, KubernetesObject, Random } from "../../ports.ts";
import type { Authorizer } from "../authorization/rbac.ts";
import type { User } from "../authorization/user.ts";
import type { JsonObject } from "../json.ts";
import type { ResourceType } from "../resource-type.ts";
import type { Store } from "../store/store.ts";
import type { TypeRegistry } from "../type-registry.ts";

export { ADMINISTRATOR, type User, userNamed } from "../authorization/user.ts";

/** The circumstances of one request. */
export interface RequestContext {
  user: User;
  /** Everything but the change itself. */
  dryRun: boolean;
  /** Changes are recorded under this name in `managedFields`; without one they are not recorded. */
  fieldManager: string | undefined;
  fieldValidation: "Ignore" | "Warn" | "Strict";
  /** Tells the client something that is no error, in a `Warning` header. */
  warn(text: string): void;
}

/** One object of a type. */
export interface Target {
  type: ResourceType;
  namespace: string | undefined;
  name: string;
}

/** What admission decides about. */
export interface AdmissionRequest extends Target {
  operation: "CREATE" | "UPDATE" | "DELETE";
  subresource?: string;
  /** The kind of the body where it is not the type's own, such as a `Binding`. */
  kind?: { group: string; version: string; kind: string };
  object?: KubernetesObject;
  oldObject?: KubernetesObject;
  options?: JsonObject;
}

/** The plugins and webhooks that a change passes. */
export interface Admission {
  /** Answers the object as admission changed it; throws when it refuses. */
  mutate(request: AdmissionRequest & { object: KubernetesObject }, context: RequestContext): Promise<KubernetesObject>;
  /** Throws when admission refuses. */
  validate(request: AdmissionRequest, context: RequestContext): Promise<void>;
}

/** What requests work on. */
export interface ApiState {
  store: Store;
  types: TypeRegistry;
  clock: Clock;
  random: Random;
  admission: Admission;
  /** Asked about every request by HTTP. */
  authorizer: Authorizer;
}
