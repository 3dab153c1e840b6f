import { expect, test } from "vitest";
import { trustPatch } from "./trust.ts";

const service = { name: "trunkline-forwarder", namespace: "kube-system" };
const webhook = (name: string, clientConfig: object) => ({ name, clientConfig });

test("the patch tests that each webhook is still where it was found, and leaves other services' webhooks alone", () => {
  const webhooks = [
    webhook("other.example.com", { service: { ...service, name: "other" } }),
    webhook("elsewhere.example.com", { service: { ...service, namespace: "default" } }),
    webhook("mpod.vpc.k8s.aws", { service, caBundle: "old" }),
    webhook("vpod.vpc.k8s.aws", { service, caBundle: "new" }),
    webhook("by-url.example.com", {}),
  ];

  expect(trustPatch({ webhooks }, service, "new")).toEqual([
    { op: "test", path: "/webhooks/2/name", value: "mpod.vpc.k8s.aws" },
    { op: "add", path: "/webhooks/2/clientConfig/caBundle", value: "new" },
  ]);
});
