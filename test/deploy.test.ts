import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readEnvironment } from "@trunkline/forwarder";
import { forwarderUser } from "@trunkline/kubernetes";
import { beforeAll, describe, expect, test } from "vitest";
import { type Installation, install } from "./support/installation.ts";
import { deploy } from "./support/kustomization.ts";

const name = "trunkline-forwarder";
const overlays = (await readdir(join(deploy, "overlays"))).sort();
const installations = new Map<string, Installation>();

interface Container {
  name: string;
  image: string;
  env?: { name: string; value?: string }[];
  envFrom: { configMapRef: { name: string } }[];
  ports: { name: string; containerPort: number }[];
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  securityContext: object;
  startupProbe: Probe;
  livenessProbe: Probe;
  readinessProbe: Probe;
}
interface Probe {
  httpGet: { path: string; port: string; scheme?: string };
}
interface PodSpec {
  containers: Container[];
  volumes?: { name: string }[];
  serviceAccountName: string;
  securityContext: object;
  [field: string]: unknown;
}
interface Named {
  metadata: { name: string; labels?: Record<string, string> };
}
interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

beforeAll(async () => {
  for (const overlay of overlays) installations.set(overlay, await install(join(deploy, "overlays", overlay)));
}, 60_000);

const installation = (overlay: string): Installation => installations.get(overlay) as Installation;
const viewed = <Shape>(object: unknown) => object as Shape;
const podOf = (overlay: string): PodSpec =>
  viewed<{ spec: { template: { spec: PodSpec } } }>(installation(overlay).named("Deployment", name)).spec.template.spec;
const forwarderOf = (overlay: string): Container => podOf(overlay).containers[0] as Container;

test("there is an overlay for each way to credentials and each way to a certificate", () => {
  expect(overlays).toEqual([
    "instance-profile-cert-manager",
    "instance-profile-self-made",
    "irsa-cert-manager",
    "irsa-self-made",
  ]);
});

describe.each(overlays)("overlay %s", (overlay) => {
  test("configures the forwarder with everything that it must be told", () => {
    const [source] = forwarderOf(overlay).envFrom;
    const { data } = viewed<{ data: Record<string, string> }>(
      installation(overlay).named("ConfigMap", source?.configMapRef.name ?? ""),
    );
    const own = Object.fromEntries((forwarderOf(overlay).env ?? []).map((entry) => [entry.name, entry.value ?? "x"]));

    expect(readEnvironment({ ...data, ...own })).toMatchObject({ ok: true });
    expect("AWS_ROLE_ARN" in data).toBe(overlay.startsWith("irsa"));
  });

  test("gives a replica more time to end than the forwarder takes by default", () => {
    const { data } = viewed<{ data: Record<string, string> }>(
      installation(overlay).named("ConfigMap", "trunkline-forwarder-settings"),
    );
    const environment = readEnvironment({ ...data, TRUNKLINE_ADMISSION_CERTIFICATE: "self-made" });
    if (!environment.ok) throw new Error(environment.problems.join(" "));
    const { TRUNKLINE_SHUTDOWN_DRAIN_SECONDS: drain, TRUNKLINE_SHUTDOWN_SECONDS: finish } = environment.value;

    expect(podOf(overlay).terminationGracePeriodSeconds).toBeGreaterThan(drain + finish);
  });

  test("names an image with a version, in place of the base's", () => {
    expect(forwarderOf(overlay).image).toMatch(
      /^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com\/trunkline-forwarder:\d+\.\d+\.\d+$/,
    );
  });

  test("lets the forwarder do nothing on its node but run", () => {
    expect(podOf(overlay).securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      fsGroup: 65_532,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(forwarderOf(overlay).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(podOf(overlay)).toMatchObject({ hostNetwork: false, enableServiceLinks: false });
    expect(forwarderOf(overlay).resources.limits.memory).toBe("512Mi");
  });

  test("mounts what it has volumes for, read-only", () => {
    const volumes = (podOf(overlay).volumes ?? []).map((volume) => volume.name);
    const mounts = forwarderOf(overlay).volumeMounts ?? [];

    expect(mounts.map((mount) => mount.name).sort()).toEqual(volumes.sort());
    expect(mounts.every((mount) => mount.readOnly === true)).toBe(true);
  });

  test("K39: runs it as the user that the guard lets write the annotation", () => {
    expect(`system:serviceaccount:kube-system:${podOf(overlay).serviceAccountName}`).toBe(forwarderUser);
    const account = installation(overlay).named("ServiceAccount", podOf(overlay).serviceAccountName);
    expect(account.metadata.namespace).toBe("kube-system");
  });

  test("probes the port that serves health, and leads admission to the port that serves it", () => {
    const { startupProbe, livenessProbe, readinessProbe, ports } = forwarderOf(overlay);
    const probed = [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => [httpGet.path, httpGet.port]);
    const service = viewed<{ spec: { selector: object; ports: { port: number; targetPort: string }[] } }>(
      installation(overlay).named("Service", name),
    );

    expect(probed).toEqual([
      ["/healthz", "operations"],
      ["/healthz", "operations"],
      ["/readyz", "operations"],
    ]);
    expect(ports.map((port) => [port.name, port.containerPort])).toEqual([
      ["admission", 8443],
      ["operations", 8080],
    ]);
    expect(service.spec.ports).toMatchObject([{ port: 443, targetPort: "admission" }]);
  });

  test("selects the forwarder's pods wherever something selects them", () => {
    const deployment = viewed<{ spec: { template: Named; selector: { matchLabels: object } } }>(
      installation(overlay).named("Deployment", name),
    );
    const { labels } = deployment.spec.template.metadata;
    const selectors = ["PodDisruptionBudget", "NetworkPolicy", "Service"].map((kind) => {
      const { spec } = viewed<{ spec: Record<string, { matchLabels?: object }> }>(
        installation(overlay).named(kind, name),
      );
      return spec.podSelector?.matchLabels ?? spec.selector?.matchLabels ?? spec.selector;
    });

    expect([deployment.spec.selector.matchLabels, ...selectors]).toEqual([labels, labels, labels, labels]);
  });

  test("gives the forwarder neither wildcards nor Secrets beyond its own", () => {
    const rules = installation(overlay)
      .objects.filter(({ kind }) => kind === "ClusterRole" || kind === "Role")
      .flatMap((role) => viewed<{ rules: Rule[] }>(role).rules);
    const secrets = rules.filter(({ resources }) => resources.some((resource) => resource.startsWith("secrets")));

    expect(rules.flatMap((rule) => Object.values(rule).flat()).filter((value) => value.includes("*"))).toEqual([]);
    expect(secrets.map(({ resourceNames }) => resourceNames)).toEqual(
      overlay.endsWith("self-made") ? [["trunkline-forwarder-tls"]] : [],
    );
  });

  test("names no generated object in a role: kustomize would put a hash behind the name there too", () => {
    const { configMapRef } = forwarderOf(overlay).envFrom[0] as Container["envFrom"][number];
    const named = installation(overlay)
      .objects.filter(({ kind }) => kind === "ClusterRole" || kind === "Role")
      .flatMap((role) => viewed<{ rules: Rule[] }>(role).rules)
      .flatMap(({ resourceNames = [] }) => resourceNames);

    expect(named).toContain("trunkline-forwarder");
    expect(named).not.toContain(configMapRef.name);
  });

  test("binds every role to the forwarder's account and to nobody else", () => {
    const bindings = installation(overlay).objects.filter(({ kind }) => kind.endsWith("RoleBinding"));
    const roles = installation(overlay).objects.filter(({ kind }) => kind === "ClusterRole" || kind === "Role");
    const bound = bindings.map((binding) => viewed<{ roleRef: { kind: string; name: string } }>(binding).roleRef);

    expect(bound.map((role) => `${role.kind} ${role.name}`).sort()).toEqual(
      roles.map((role) => `${role.kind} ${role.metadata.name}`).sort(),
    );
    for (const binding of bindings) {
      expect(viewed<{ subjects: unknown[] }>(binding).subjects).toEqual([
        { kind: "ServiceAccount", name: "vpc-resource-controller", namespace: "kube-system" },
      ]);
    }
  });

  test("K30: has the webhooks that people know, which lead to the paths that the forwarder serves", () => {
    const hooks = ["Mutating", "Validating"].flatMap((kind) => {
      const found = installation(overlay).named(
        `${kind}WebhookConfiguration`,
        `vpc-resource-${kind.toLowerCase()}-webhook`,
      );
      return viewed<{ webhooks: { name: string; clientConfig: { service: object } }[] }>(found).webhooks;
    });

    expect(hooks.map((hook) => [hook.name, hook.clientConfig.service])).toEqual(
      [
        ["mpod.vpc.k8s.aws", "/mutate-v1-pod"],
        ["vpod.vpc.k8s.aws", "/validate-v1-pod"],
        ["vnode.vpc.k8s.aws", "/validate-v1-node"],
      ].map(([hook, path]) => [hook, { name, namespace: "kube-system", path, port: 443 }]),
    );
  });

  test("has the custom resources under the names that people and the CNI plugin know", () => {
    const shortNames = (definition: string) =>
      viewed<{ spec: { names: { shortNames: string[] } } }>(
        installation(overlay).named("CustomResourceDefinition", definition),
      ).spec.names.shortNames;

    expect(shortNames("securitygrouppolicies.vpcresources.k8s.aws")).toEqual(["sgp"]);
    expect(shortNames("cninodes.vpcresources.k8s.aws")).toEqual(["cnd"]);
  });
});

describe("component", () => {
  const component = (named: string) => join(deploy, "components", named);
  const policiesOf = (installed: Installation, kind: string) =>
    viewed<{ webhooks: { failurePolicy: string }[] }>(
      installed.named(`${kind}WebhookConfiguration`, `vpc-resource-${kind.toLowerCase()}-webhook`),
    ).webhooks.map(({ failurePolicy }) => failurePolicy);

  test("fail-closed lets no pod be created while the forwarder is away, and concerns nothing else", async () => {
    const [open, closed] = [
      installation("irsa-self-made"),
      await install(join(deploy, "overlays/irsa-self-made"), component("fail-closed")),
    ];

    expect([policiesOf(open, "Mutating"), policiesOf(open, "Validating")]).toEqual([["Ignore"], ["Ignore", "Ignore"]]);
    expect([policiesOf(closed, "Mutating"), policiesOf(closed, "Validating")]).toEqual([
      ["Fail"],
      ["Ignore", "Ignore"],
    ]);
  });

  test("certificate-secret is enough for a certificate from elsewhere", async () => {
    const installed = await install(join(deploy, "base"), component("certificate-secret"));
    const { template } = viewed<{ spec: { template: { spec: PodSpec } } }>(installed.named("Deployment", name)).spec;

    expect(template.spec.volumes).toMatchObject([{ name: "tls", secret: { secretName: "trunkline-forwarder-tls" } }]);
    expect(template.spec.containers[0]?.env).toContainEqual({
      name: "TRUNKLINE_ADMISSION_CERT",
      value: "/tls/tls.crt",
    });
  });

  test("cert-manager makes the certificate that is mounted, and its authority goes into both configurations", () => {
    const installed = installation("irsa-cert-manager");
    const certificates = installed.foreign.filter(({ kind }) => kind === "Certificate");
    const injected = ["mutating", "validating"].map((kind) => {
      const configuration = `${kind[0]?.toUpperCase()}${kind.slice(1)}WebhookConfiguration`;
      return installed.named(configuration, `vpc-resource-${kind}-webhook`).metadata.annotations;
    });

    expect(certificates.map(({ spec }) => viewed<{ secretName: string }>(spec).secretName)).toEqual([
      "trunkline-forwarder-ca",
      "trunkline-forwarder-tls",
    ]);
    expect(injected).toEqual([
      { "cert-manager.io/inject-ca-from": "kube-system/trunkline-forwarder" },
      { "cert-manager.io/inject-ca-from": "kube-system/trunkline-forwarder" },
    ]);
  });

  test("instance-profile lets the forwarder reach the metadata service, and irsa keeps it from it", () => {
    const reaches = (overlay: string) =>
      JSON.stringify(installation(overlay).named("NetworkPolicy", name).spec).includes("169.254.169.254/32");

    expect(overlays.filter(reaches)).toEqual(["instance-profile-cert-manager", "instance-profile-self-made"]);
    expect(forwarderOf("irsa-self-made").env).toContainEqual({ name: "AWS_EC2_METADATA_DISABLED", value: "true" });
  });
});
