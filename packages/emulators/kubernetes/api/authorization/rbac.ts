/** Decides by the roles and bindings that are stored, as the API server's RBAC authorizer does. */

import { objectAt, objectsAt, stringAt } from "../json.ts";
import type { Store } from "../store/store.ts";
import { type Attributes, isPath } from "./attributes.ts";
import { type Rule, ruleAllows, ruleOf, subjectKey, userKeys } from "./rules.ts";
import type { User } from "./user.ts";

/** What an authorizer says. */
export interface Decision {
  allowed: boolean;
  /** Why, for people; empty when there is nothing to say. */
  reason: string;
}

/** Says who may do what. */
export interface Authorizer {
  decide(user: User, attributes: Attributes): Decision;
  /** What the user may do in a namespace, with what is granted in the whole cluster. */
  rulesOf(user: User, namespace: string): readonly Rule[];
}

/** One binding, with the subject by which it means a user. */
interface Grant {
  /** Empty for a ClusterRoleBinding. */
  namespace: string;
  binding: string;
  subject: string;
  roleKind: string;
  role: string;
}

const GROUP = "rbac.authorization.k8s.io";
const COLLECTIONS = ["roles", "rolebindings", "clusterroles", "clusterrolebindings"];
/** Members of this group are asked nothing, whatever the roles say. */
const PRIVILEGED = "system:masters";

/** An authorizer over the store. Bindings are indexed by their subjects, and again after each change of a role or binding. */
export function rbacAuthorizer(store: Store): Authorizer {
  let grants: Map<string, Grant[]> | undefined;
  let rules = new Map<string, readonly Rule[] | undefined>();
  const forget = () => {
    grants = undefined;
    rules = new Map();
  };
  for (const resource of COLLECTIONS) store.watch(`${GROUP}/${resource}`, forget);

  const grantsOf = (user: User, namespace: string): Grant[] => {
    grants ??= indexed(store);
    const index = grants;
    const found = userKeys(user).flatMap((key) => index.get(key) ?? []);
    return found.filter((grant) => grant.namespace === "" || grant.namespace === namespace);
  };
  const rulesOfRole = (grant: Grant): readonly Rule[] | undefined => {
    const [collection, namespace] =
      grant.roleKind === "Role" ? [`${GROUP}/roles`, grant.namespace] : [`${GROUP}/clusterroles`, undefined];
    const key = `${collection}/${namespace ?? ""}/${grant.role}`;
    if (!rules.has(key)) {
      const role = store.get(collection, namespace, grant.role);
      rules.set(key, role === undefined ? undefined : objectsAt(role, "rules").map(ruleOf));
    }
    return rules.get(key);
  };

  return {
    decide: (user, attributes) => {
      if (user.groups.includes(PRIVILEGED)) return { allowed: true, reason: "" };
      const missing = new Set<string>();
      for (const grant of grantsOf(user, isPath(attributes) ? "" : attributes.namespace)) {
        const granted = rulesOfRole(grant);
        if (granted === undefined) missing.add(`${grant.roleKind.toLowerCase()}.${GROUP} "${grant.role}" not found`);
        else if (granted.some((rule) => ruleAllows(rule, attributes))) {
          return { allowed: true, reason: `RBAC: allowed by ${described(grant)}` };
        }
      }
      return { allowed: false, reason: missing.size === 0 ? "" : `RBAC: ${listed([...missing])}` };
    },
    rulesOf: (user, namespace) => grantsOf(user, namespace).flatMap((grant) => rulesOfRole(grant) ?? []),
  };
}

/** Every binding under the keys of its subjects, those of the whole cluster first. */
function indexed(store: Store): Map<string, Grant[]> {
  const index = new Map<string, Grant[]>();
  for (const resource of ["clusterrolebindings", "rolebindings"]) {
    for (const binding of store.list(`${GROUP}/${resource}`)) {
      const { name = "", namespace = "" } = binding.metadata;
      const reference = objectAt(binding, "roleRef");
      for (const subject of objectsAt(binding, "subjects")) {
        const key = subjectKey(subject, namespace);
        if (key === undefined) continue;
        const held = index.get(key) ?? [];
        index.set(key, held);
        held.push({
          namespace,
          binding: name,
          subject: nameOfSubject(subject),
          roleKind: stringAt(reference, "kind") ?? "",
          role: stringAt(reference, "name") ?? "",
        });
      }
    }
  }
  return index;
}

function nameOfSubject(subject: Record<string, unknown>): string {
  const name = subject.kind === "ServiceAccount" ? `${subject.name}/${subject.namespace}` : `${subject.name}`;
  return `${subject.kind} "${name}"`;
}

function described({ namespace, binding, subject, roleKind, role }: Grant): string {
  const bound = namespace === "" ? `ClusterRoleBinding "${binding}"` : `RoleBinding "${binding}/${namespace}"`;
  return `${bound} of ${roleKind} "${role}" to ${subject}`;
}

/** Several errors as Kubernetes lists them. */
function listed(errors: readonly string[]): string {
  return errors.length === 1 ? (errors[0] ?? "") : `[${errors.join(", ")}]`;
}
