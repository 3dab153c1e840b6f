import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readEnvironment } from "@trunkline/forwarder";
import { expect, test } from "vitest";
import { install } from "./support/installation.ts";
import { deploy } from "./support/kustomization.ts";

interface Webhook {
  readonly name: string;
  readonly namespaceSelector?: object;
}

const overlays = (await readdir(join(deploy, "overlays"))).sort();

test.each(overlays)(
  "overlay %s tells the forwarder which namespaces the webhooks about pods leave out",
  async (overlay) => {
    const installation = await install(join(deploy, "overlays", overlay));
    const { data } = installation.named("ConfigMap", "trunkline-forwarder-settings") as unknown as {
      data: Record<string, string>;
    };
    const environment = readEnvironment({ ...data, TRUNKLINE_ADMISSION_CERTIFICATE: "self-made" });
    if (!environment.ok) throw new Error(environment.problems.join(" "));
    const webhooks = [
      installation.named("MutatingWebhookConfiguration", "vpc-resource-mutating-webhook"),
      installation.named("ValidatingWebhookConfiguration", "vpc-resource-validating-webhook"),
    ].flatMap((configuration) => (configuration as unknown as { webhooks: Webhook[] }).webhooks);
    const selectors = webhooks.filter(({ name }) => /pod/.test(name)).map(({ namespaceSelector }) => namespaceSelector);

    const values = environment.value.TRUNKLINE_EXCLUDED_NAMESPACES;
    const left = { matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "NotIn", values }] };
    expect(selectors).toEqual([left, left]);
  },
);
