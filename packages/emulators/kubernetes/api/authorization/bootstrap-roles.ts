/**
 * The roles that every cluster has and that matter here.
 * See https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings.
 */

import type { KubernetesObject } from "../../ports.ts";

const API_VERSION = "rbac.authorization.k8s.io/v1";
const REVIEWS = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"];
const HEALTH = ["/healthz", "/livez", "/readyz", "/version", "/version/"];
const DISCOVERY = ["/api", "/api/*", "/apis", "/apis/*", ...HEALTH, "/openapi", "/openapi/*"];

interface Default {
  name: string;
  rules: object[];
  groups: string[];
}

const DEFAULTS: readonly Default[] = [
  {
    name: "cluster-admin",
    rules: [
      { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
      { nonResourceURLs: ["*"], verbs: ["*"] },
    ],
    groups: ["system:masters"],
  },
  {
    name: "system:basic-user",
    rules: [
      { apiGroups: ["authorization.k8s.io"], resources: REVIEWS, verbs: ["create"] },
      { apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"], verbs: ["create"] },
    ],
    groups: ["system:authenticated"],
  },
  {
    name: "system:discovery",
    rules: [{ nonResourceURLs: DISCOVERY, verbs: ["get"] }],
    groups: ["system:authenticated"],
  },
  {
    name: "system:public-info-viewer",
    rules: [{ nonResourceURLs: HEALTH, verbs: ["get"] }],
    groups: ["system:authenticated", "system:unauthenticated"],
  },
];

/** The default ClusterRoles, each followed by its binding. */
export function defaultRoles(): KubernetesObject[] {
  return DEFAULTS.flatMap(({ name, rules, groups }) => {
    const metadata = () => ({
      name,
      annotations: { "rbac.authorization.kubernetes.io/autoupdate": "true" },
      labels: { "kubernetes.io/bootstrapping": "rbac-defaults" },
    });
    const apiGroup = "rbac.authorization.k8s.io";
    return [
      { apiVersion: API_VERSION, kind: "ClusterRole", metadata: metadata(), rules },
      {
        apiVersion: API_VERSION,
        kind: "ClusterRoleBinding",
        metadata: metadata(),
        roleRef: { apiGroup, kind: "ClusterRole", name },
        subjects: groups.map((group) => ({ apiGroup, kind: "Group", name: group })),
      },
    ];
  });
}
