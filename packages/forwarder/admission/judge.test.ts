import { podEniKey } from "@trunkline/kubernetes";
import fc from "fast-check";
import { applyPatch } from "rfc6902";
import { describe, expect, test } from "vitest";
import { type Hook, hooks, judge } from "./judge.ts";
import { answerOf, fittingWarnings, parseReview } from "./review.ts";

const nothing = async () => undefined;
const matching = {
  match: () => ({ ok: true, policies: [], groupIds: ["sg-1"] }) as const,
  lookUpServiceAccount: nothing,
};
const failing = { match: () => ({ ok: false, problem: "no account" }) as const, lookUpServiceAccount: nothing };

describe("an operation that a webhook has no rule for passes", () => {
  test.each<[Hook, string, string | undefined]>([
    ["/mutate-v1-pod", "UPDATE", undefined],
    ["/mutate-v1-pod", "DELETE", undefined],
    ["/mutate-v1-pod", "CONNECT", "exec"],
    ["/mutate-v1-pod", "CREATE", "binding"],
    ["/mutate-v1-pod", "CREATE", "eviction"],
    ["/mutate-v1-pod", "UPDATE", "ephemeralcontainers"],
    ["/validate-v1-pod", "DELETE", undefined],
    ["/validate-v1-pod", "CONNECT", "attach"],
    ["/validate-v1-pod", "CREATE", "eviction"],
    ["/validate-v1-node", "CREATE", undefined],
    ["/validate-v1-node", "DELETE", undefined],
  ])("%s %s %s", async (hook, operation, subResource) => {
    const request = { uid: "u", operation, ...(subResource === undefined ? {} : { subResource }), object: null };

    expect(await judge(hook, request, failing)).toEqual({ allowed: true, patch: [] });
  });
});

describe("K38, K39: annotations are guarded on every way to a pod", () => {
  const annotated = { metadata: { annotations: { [podEniKey]: "[]" } } };
  const userInfo = { username: "jane" };

  test.each<[string, object]>([
    ["a new pod", { operation: "CREATE", object: annotated }],
    ["a changed pod", { operation: "UPDATE", object: annotated, oldObject: {} }],
    ["a changed status", { operation: "UPDATE", subResource: "status", object: annotated, oldObject: {} }],
    ["a resized pod", { operation: "UPDATE", subResource: "resize", object: annotated, oldObject: {} }],
    ["a debugged pod", { operation: "UPDATE", subResource: "ephemeralcontainers", object: annotated, oldObject: {} }],
    ["a pod's binding", { operation: "CREATE", subResource: "binding", object: annotated }],
    ["a binding", { operation: "CREATE", resource: { resource: "bindings" }, object: annotated }],
  ])("%s", async (_, request) => {
    expect(await judge("/validate-v1-pod", { uid: "u", userInfo, ...request }, matching)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining(podEniKey),
    });
  });
});

/** A pod as the API server sends it, with any of what the rules look at. */
const quantities = fc.option(
  fc.dictionary(fc.constantFrom("cpu", podEniKey), fc.constantFrom<string | number>("1", "2", 1), {
    noNullPrototype: true,
  }),
  { nil: null },
);
const texts = fc.option(fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }), { nil: null });
const container = fc.record(
  {
    name: fc.string(),
    resources: fc.option(fc.record({ limits: quantities, requests: quantities }, { requiredKeys: [] }), { nil: null }),
  },
  { requiredKeys: [] },
);
const fargate = fc.constantFrom({}, { "eks.amazonaws.com/fargate-profile": "p" });
const pods = fc.record({
  metadata: fc.record(
    {
      labels: fc.oneof(texts, fargate),
      annotations: fc.oneof(texts, fc.constant({ "fargate.amazonaws.com/pod-sg": "x" })),
    },
    { requiredKeys: [] },
  ),
  spec: fc.record(
    { containers: fc.array(container, { maxLength: 4 }), hostNetwork: fc.boolean() },
    { requiredKeys: [] },
  ),
});

describe("whatever comes", () => {
  test("a mutation is a patch that applies, after which there is nothing left to patch", async () => {
    await fc.assert(
      fc.asyncProperty(pods, async (given) => {
        const pod = JSON.parse(JSON.stringify(given)) as object;
        const request = { uid: "u", operation: "CREATE", namespace: "default", object: pod };
        const verdict = await judge("/mutate-v1-pod", request, matching);
        if (!verdict.allowed) throw new Error(verdict.reason);

        expect(applyPatch(pod, structuredClone(verdict.patch) as never).filter((problem) => problem !== null)).toEqual(
          [],
        );
        expect(await judge("/mutate-v1-pod", request, matching)).toEqual({ allowed: true, patch: [] });
      }),
      { numRuns: 500 },
    );
  });

  test("JSON that is a review or none is answered, and never ends the program", async () => {
    const reviews = fc.record({
      apiVersion: fc.constantFrom("admission.k8s.io/v1", "v1"),
      kind: fc.constantFrom("AdmissionReview", "Pod"),
      request: fc.oneof(
        fc.jsonValue(),
        fc.record(
          {
            uid: fc.constantFrom("u", ""),
            operation: fc.constantFrom("CREATE", "UPDATE", "DELETE"),
            object: fc.oneof(fc.jsonValue(), pods),
            oldObject: fc.jsonValue(),
          },
          { requiredKeys: ["uid"] },
        ),
      ),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.json(),
          reviews.map((value) => JSON.stringify(value)),
        ),
        async (body) => {
          const review = parseReview(body);
          if (!review.ok) {
            expect(review.problem).not.toBe("");
            return;
          }
          for (const hook of hooks) {
            for (const options of [matching, failing]) {
              const answer = JSON.stringify(answerOf(review.request.uid, await judge(hook, review.request, options)));

              expect(JSON.parse(answer)).toMatchObject({
                kind: "AdmissionReview",
                response: { uid: review.request.uid },
              });
            }
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe("warnings fit into an answer", () => {
  test("each is cut to 256 characters", () => {
    expect(fittingWarnings(["a", "x".repeat(300)])).toEqual(["a", `${"x".repeat(255)}…`]);
  });

  test("together they are cut to 4,096", () => {
    expect(fittingWarnings(Array.from({ length: 20 }, () => "x".repeat(256)))).toHaveLength(16);
  });
});
