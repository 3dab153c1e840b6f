import { beforeEach, describe, expect, test } from "vitest";
import type { ApiAccess } from "../../ports.ts";
import { configMapManifest, coreRef, podManifest, type TestCluster, testCluster, warningsOf } from "../testing.ts";

const POD_ENI = "vpc.amazonaws.com/pod-eni";

describe("validating admission policies", () => {
  let cluster: TestCluster;
  let api: ApiAccess;
  beforeEach(async () => {
    cluster = await testCluster();
    api = cluster.api;
  });

  const rules = [
    { operations: ["CREATE", "UPDATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods", "pods/status"] },
  ];
  async function guard(validations: object[], spec: object = {}, binding: object = {}) {
    await api.create({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      metadata: { name: "guard" },
      spec: { matchConstraints: { resourceRules: rules }, validations, ...spec },
    });
    await api.create({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name: "guard-all" },
      spec: { policyName: "guard", validationActions: ["Deny"], ...binding },
    });
  }
  const annotate = (access: ApiAccess, value: string) =>
    access.patch(coreRef("pods", "a"), { type: "merge", body: { metadata: { annotations: { [POD_ENI]: value } } } });

  test("keep an annotation to one user, and refuse others in kubectl's words", async () => {
    await guard(
      [
        {
          expression:
            "variables.unchanged || request.userInfo.username == 'system:serviceaccount:kube-system:forwarder'",
          message: "hands off",
        },
      ],
      {
        variables: [
          { name: "now", expression: `object.metadata.?annotations['${POD_ENI}'].orValue('')` },
          {
            name: "before",
            expression: `oldObject == null ? '' : oldObject.metadata.?annotations['${POD_ENI}'].orValue('')`,
          },
          { name: "unchanged", expression: "variables.now == variables.before" },
        ],
      },
    );
    await api.create(podManifest("a"));
    const refused = annotate(api, "[]");
    await expect(refused).rejects.toThrow(
      `pods "a" is forbidden: ValidatingAdmissionPolicy 'guard' with binding 'guard-all' denied request: hands off`,
    );
    await expect(refused).rejects.toMatchObject({ code: 422, reason: "Invalid" });
    const written = await annotate(cluster.model.api.as("system:serviceaccount:kube-system:forwarder"), "[]");
    expect(written.metadata.annotations).toEqual({ [POD_ENI]: "[]" });
  });

  test("say which expression failed when they have no message, or compute one", async () => {
    await guard([
      { expression: "object.metadata.name != 'a'", reason: "Forbidden" },
      { expression: "object.metadata.name != 'b'", messageExpression: "'not ' + object.metadata.name" },
    ]);
    await expect(api.create(podManifest("a"))).rejects.toThrow(
      "denied request: failed expression: object.metadata.name != 'a'",
    );
    await expect(api.create(podManifest("a"))).rejects.toMatchObject({ code: 403 });
    await expect(api.create(podManifest("b"))).rejects.toThrow("denied request: not b");
  });

  test("count whole numbers as integers", async () => {
    await guard([{ expression: "object.spec.terminationGracePeriodSeconds + 1 <= 31" }]);
    await api.create(podManifest("a"));
    await expect(api.create(podManifest("b", { spec: { terminationGracePeriodSeconds: 31 } }))).rejects.toMatchObject({
      code: 422,
    });
  });

  test("whose expression cannot be evaluated refuse, unless they may fail", async () => {
    await guard([{ expression: "object.metadata.nothing == 'x'" }]);
    await expect(api.create(podManifest("a"))).rejects.toThrow("resulted in error: No such key: nothing");
    const ref = { group: "admissionregistration.k8s.io", resource: "validatingadmissionpolicies", name: "guard" };
    await api.patch(ref, { type: "merge", body: { spec: { failurePolicy: "Ignore" } } });
    await api.create(podManifest("a"));
  });

  test("only warn when their binding says so", async () => {
    await guard([{ expression: "false", message: "not nice" }], {}, { validationActions: ["Warn"] });
    expect(await warningsOf(cluster, podManifest("a"))).toEqual([
      "Validation failed for ValidatingAdmissionPolicy 'guard' with binding 'guard-all': not nice",
    ]);
  });

  test("do not concern requests that their conditions leave out", async () => {
    await guard([{ expression: "false" }], {
      matchConditions: [{ name: "web", expression: "object.metadata.name == 'web'" }],
    });
    await api.create(podManifest("a"));
    await expect(api.create(podManifest("web"))).rejects.toMatchObject({ code: 422 });
  });

  test("do nothing without a binding, and cannot lock out those who mend them", async () => {
    await guard([{ expression: "false" }], {
      matchConstraints: {
        resourceRules: [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*"] }],
      },
    });
    await expect(api.create(configMapManifest("a"))).rejects.toMatchObject({ code: 422 });
    const binding = {
      group: "admissionregistration.k8s.io",
      resource: "validatingadmissionpolicybindings",
      name: "guard-all",
    };
    await api.delete(binding);
    await api.create(configMapManifest("a"));
  });
});
