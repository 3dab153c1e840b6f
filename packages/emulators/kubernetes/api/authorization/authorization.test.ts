import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../ports.ts";
import { type KubernetesEmulator, startKubernetesEmulator } from "../emulator.ts";
import { configMapManifest, podManifest } from "../testing.ts";

const RBAC = "rbac.authorization.k8s.io";
const jane = "Bearer jane";
const robot = "Bearer robot";

let emulator: KubernetesEmulator;
beforeEach(async () => {
  emulator = await startKubernetesEmulator({
    tokens: [
      { token: "jane", user: "jane", groups: ["team"] },
      { token: "robot", user: "system:serviceaccount:default:robot" },
    ],
  });
  await create(configMapManifest("a"), configMapManifest("b"), podManifest("p"));
});
afterEach(() => emulator.stop());

const create = async (...objects: KubernetesObject[]): Promise<void> => {
  for (const object of objects) await emulator.api.as("kubernetes-admin").create(object);
};

const role = (rules: object[], name = "r"): KubernetesObject => ({
  apiVersion: `${RBAC}/v1`,
  kind: "Role",
  metadata: { name, namespace: "default" },
  rules,
});
const clusterRole = (rules: object[], name = "cr"): KubernetesObject => ({
  apiVersion: `${RBAC}/v1`,
  kind: "ClusterRole",
  metadata: { name },
  rules,
});
const binding = (roleRef: { kind: string; name: string }, subject: object, namespace?: string): KubernetesObject => ({
  apiVersion: `${RBAC}/v1`,
  kind: namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
  metadata: { name: "b", ...(namespace === undefined ? {} : { namespace }) },
  roleRef: { apiGroup: RBAC, ...roleRef },
  subjects: [subject],
});

async function ask(
  authorization: string,
  method: string,
  path: string,
  options: { body?: unknown; type?: string } = {},
) {
  const response = await fetch(`${emulator.url}${path}`, {
    method,
    headers: { authorization, "content-type": options.type ?? "application/json" },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  if (response.headers.get("content-type")?.startsWith("application/json") !== true || path.includes("watch")) {
    await response.body?.cancel();
    return { status: response.status, message: "" };
  }
  const body = (await response.json()) as { message?: string; status?: unknown };
  return { status: response.status, message: body.message ?? "", body };
}

describe("a user without rights", () => {
  test.each([
    [
      "GET",
      "/api/v1/pods",
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" at the cluster scope',
    ],
    [
      "GET",
      "/api/v1/namespaces/default/configmaps/a",
      'configmaps "a" is forbidden: User "jane" cannot get resource "configmaps" in API group "" in the namespace "default"',
    ],
    [
      "PATCH",
      "/apis/apps/v1/namespaces/default/deployments/x/status",
      'deployments.apps "x" is forbidden: User "jane" cannot patch resource "deployments/status" in API group "apps" in the namespace "default"',
    ],
    [
      "DELETE",
      "/api/v1/namespaces/default/pods",
      'pods is forbidden: User "jane" cannot deletecollection resource "pods" in API group "" in the namespace "default"',
    ],
    [
      "GET",
      "/apis/nowhere.example.com/v1/things",
      'things.nowhere.example.com is forbidden: User "jane" cannot list resource "things" in API group "nowhere.example.com" at the cluster scope',
    ],
    ["GET", "/metrics", 'forbidden: User "jane" cannot get path "/metrics"'],
  ])("is refused %s %s in the API server's words", async (method, path, message) => {
    expect(await ask(jane, method, path)).toMatchObject({ status: 403, message });
  });

  test.each(["/api", "/apis", "/api/v1", "/apis/apps/v1", "/version", "/openapi/v3", "/readyz"])(
    "may still discover what there is at %s",
    async (path) => {
      expect((await ask(jane, "GET", path)).status).toBe(200);
    },
  );

  test("is answered 401, not 403, when the token names nobody", async () => {
    expect((await ask("Bearer stranger", "GET", "/api/v1/pods")).status).toBe(401);
    expect((await ask("Bearer stranger", "GET", "/version")).status).toBe(401);
  });
});

describe("bindings", () => {
  const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"] }];
  const one = "/api/v1/namespaces/default/configmaps/a";
  const account = { kind: "ServiceAccount", name: "robot", namespace: "default" };

  test("of a Role count in their namespace only", async () => {
    await create(role(rules), binding({ kind: "Role", name: "r" }, account, "default"));
    expect((await ask(robot, "GET", one)).status).toBe(200);
    expect((await ask(robot, "GET", "/api/v1/configmaps")).status).toBe(403);
    expect((await ask(robot, "GET", "/api/v1/namespaces/kube-system/configmaps")).status).toBe(403);
    expect((await ask(jane, "GET", one)).status).toBe(403);
  });

  test("of a ClusterRole by a RoleBinding count in that namespace only", async () => {
    await create(clusterRole(rules), binding({ kind: "ClusterRole", name: "cr" }, account, "default"));
    expect((await ask(robot, "GET", one)).status).toBe(200);
    expect((await ask(robot, "GET", "/api/v1/configmaps")).status).toBe(403);
  });

  test("of a ClusterRole by a ClusterRoleBinding count everywhere", async () => {
    await create(clusterRole(rules), binding({ kind: "ClusterRole", name: "cr" }, account));
    expect((await ask(robot, "GET", one)).status).toBe(200);
    expect((await ask(robot, "GET", "/api/v1/configmaps")).status).toBe(200);
  });

  test.each([
    [{ kind: "User", name: "jane", apiGroup: RBAC }],
    [{ kind: "Group", name: "team", apiGroup: RBAC }],
    [{ kind: "Group", name: "system:authenticated", apiGroup: RBAC }],
  ])("mean users and groups: %j", async (subject) => {
    await create(clusterRole(rules), binding({ kind: "ClusterRole", name: "cr" }, subject));
    expect((await ask(jane, "GET", one)).status).toBe(200);
  });

  test("end with the object that made them", async () => {
    await create(clusterRole(rules), binding({ kind: "ClusterRole", name: "cr" }, account));
    expect((await ask(robot, "GET", one)).status).toBe(200);
    const administrator = emulator.api.as("kubernetes-admin");
    await administrator.delete({ group: RBAC, resource: "clusterroles", name: "cr" });
    expect(await ask(robot, "GET", one)).toMatchObject({
      status: 403,
      message: expect.stringMatching(
        / in the namespace "default": RBAC: clusterrole\.rbac\.authorization\.k8s\.io "cr" not found$/,
      ),
    });
    await administrator.delete({ group: RBAC, resource: "clusterrolebindings", name: "b" });
    expect((await ask(robot, "GET", one)).message).not.toContain("not found");
  });
});

describe("rules", () => {
  const grant = (...rules: object[]) =>
    create(clusterRole(rules), binding({ kind: "ClusterRole", name: "cr" }, { kind: "User", name: "jane" }));
  const maps = "/api/v1/namespaces/default/configmaps";

  test("with names reach those objects, and lists and watches that ask for one of them by its name", async () => {
    await grant({ apiGroups: [""], resources: ["configmaps"], resourceNames: ["a"], verbs: ["get", "list", "watch"] });
    expect((await ask(jane, "GET", `${maps}/a`)).status).toBe(200);
    expect((await ask(jane, "GET", `${maps}/b`)).status).toBe(403);
    expect((await ask(jane, "GET", maps)).status).toBe(403);
    expect((await ask(jane, "GET", `${maps}?fieldSelector=metadata.name%3Da`)).status).toBe(200);
    expect((await ask(jane, "GET", `${maps}?fieldSelector=metadata.name%3Db`)).status).toBe(403);
    expect((await ask(jane, "GET", `${maps}?fieldSelector=metadata.name%21%3Da`)).status).toBe(403);
    expect((await ask(jane, "GET", `${maps}?watch=1&fieldSelector=metadata.name%3Da`)).status).toBe(200);
  });

  test("with names never allow a creation, which has no name yet", async () => {
    await grant({ apiGroups: [""], resources: ["configmaps"], resourceNames: ["c"], verbs: ["create"] });
    expect((await ask(jane, "POST", maps, { body: configMapManifest("c") })).status).toBe(403);
  });

  test("tell a subresource from its resource", async () => {
    await grant({ apiGroups: [""], resources: ["pods/status"], verbs: ["patch"] });
    const pod = "/api/v1/namespaces/default/pods/p";
    const change = { body: { metadata: { labels: { a: "b" } } }, type: "application/merge-patch+json" };
    expect((await ask(jane, "PATCH", `${pod}/status`, change)).status).toBe(200);
    expect((await ask(jane, "PATCH", pod, change)).status).toBe(403);
  });

  test("tell a list from a watch", async () => {
    await grant({ apiGroups: [""], resources: ["configmaps"], verbs: ["list"] });
    expect((await ask(jane, "GET", maps)).status).toBe(200);
    expect((await ask(jane, "GET", `${maps}?watch=true`)).status).toBe(403);
    expect((await ask(jane, "GET", `${maps}?watch=false`)).status).toBe(200);
  });

  test("may be open: any verb, group, resource, subresource and path", async () => {
    await grant(
      { apiGroups: ["*"], resources: ["configmaps", "*/status"], verbs: ["*"] },
      { nonResourceURLs: ["/logs/*"], verbs: ["get"] },
    );
    expect((await ask(jane, "DELETE", `${maps}/a`)).status).toBe(200);
    const pod = "/api/v1/namespaces/default/pods/p";
    expect((await ask(jane, "GET", `${pod}/status`)).status).toBe(200);
    expect((await ask(jane, "GET", pod)).status).toBe(403);
    expect((await ask(jane, "GET", "/logs/x")).status).toBe(404);
    expect((await ask(jane, "GET", "/logs")).status).toBe(403);
  });

  test("let an applied configuration create an object only with the right to create", async () => {
    const applied = { body: configMapManifest("new"), type: "application/apply-patch+yaml" };
    await grant({ apiGroups: [""], resources: ["configmaps"], verbs: ["patch"] });
    expect(await ask(jane, "PATCH", `${maps}/new?fieldManager=m`, applied)).toMatchObject({
      status: 403,
      message: expect.stringContaining('User "jane" cannot create resource "configmaps"'),
    });
    const there = { ...applied, body: configMapManifest("a") };
    expect((await ask(jane, "PATCH", `${maps}/a?fieldManager=m`, there)).status).toBe(200);
  });
});

describe("reviews", () => {
  const path = "/apis/authorization.k8s.io/v1";
  const mayI = async (spec: object, authorization = jane) =>
    (await ask(authorization, "POST", `${path}/selfsubjectaccessreviews`, { body: { spec } })).body?.status;

  test("answer whether the user may, and by which binding", async () => {
    const rules = [{ apiGroups: ["apps"], resources: ["deployments"], verbs: ["get"] }];
    await create(role(rules), binding({ kind: "Role", name: "r" }, { kind: "User", name: "jane" }, "default"));
    const resourceAttributes = { namespace: "default", verb: "get", group: "apps", resource: "deployments" };
    expect(await mayI({ resourceAttributes })).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "b/default" of Role "r" to User "jane"',
    });
    expect(await mayI({ resourceAttributes: { ...resourceAttributes, verb: "delete" } })).toEqual({ allowed: false });
    expect(await mayI({ nonResourceAttributes: { path: "/version", verb: "get" } })).toMatchObject({ allowed: true });
    expect(await mayI({ nonResourceAttributes: { path: "/metrics", verb: "get" } })).toEqual({ allowed: false });
  });

  test("list what the user may do in a namespace", async () => {
    const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }];
    await create(role(rules), binding({ kind: "Role", name: "r" }, { kind: "User", name: "jane" }, "default"));
    const review = { body: { spec: { namespace: "default" } } };
    const { body } = await ask(jane, "POST", `${path}/selfsubjectrulesreviews`, review);
    expect(body?.status).toMatchObject({
      incomplete: false,
      resourceRules: expect.arrayContaining([{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }]),
      nonResourceRules: expect.arrayContaining([expect.objectContaining({ verbs: ["get"] })]),
    });
  });

  test("of neither or both kinds of attributes are invalid", async () => {
    expect((await ask(jane, "POST", `${path}/selfsubjectaccessreviews`, { body: { spec: {} } })).status).toBe(422);
  });
});

describe("impersonation", () => {
  const as = async (user: string, authorization?: string) => {
    const response = await fetch(`${emulator.url}/api/v1/pods`, {
      headers: { "impersonate-user": user, ...(authorization === undefined ? {} : { authorization }) },
    });
    const { message } = (await response.json()) as { message?: string };
    return { status: response.status, message };
  };

  test("by the administrator shows what another user may do", async () => {
    expect(await as("jane")).toMatchObject({
      status: 403,
      message: expect.stringContaining('User "jane" cannot list'),
    });
  });

  test("needs the right to impersonate", async () => {
    expect(await as("system:serviceaccount:default:robot", jane)).toMatchObject({
      status: 403,
      message:
        'serviceaccounts "robot" is forbidden: User "jane" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "default"',
    });
  });
});

test("every request by HTTP is told with what was decided", async () => {
  await emulator.stop();
  const heard: string[] = [];
  emulator = await startKubernetesEmulator({
    tokens: [{ token: "jane", user: "jane" }],
    onAuthorization: ({ user, attributes, decision }) =>
      heard.push(`${user.username} ${attributes.verb} ${decision.allowed}`),
  });
  await ask(jane, "GET", "/api/v1/pods");
  await ask(jane, "GET", "/version");
  expect(heard).toEqual(["jane list false", "jane get true"]);
});
