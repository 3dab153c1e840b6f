import { expect, test } from "vitest";
import type { Pod } from "../objects.ts";
import { pod } from "../testing/world.ts";
import { POD_ENI, readPodEni, wantsBranch } from "./pod-eni.ts";

const COMPLETE = {
  eniId: "eni-1",
  ifAddress: "0a:00",
  privateIp: "10.0.0.5",
  ipv6Addr: "",
  vlanId: 3,
  subnetCidr: "10.0.0.0/16",
  subnetV6Cidr: "",
  associationID: "trunk-assoc-1",
};

function annotated(text: string): Pod {
  const plain = pod("p");
  return { ...plain, metadata: { ...plain.metadata, annotations: { [POD_ENI]: text } } } as unknown as Pod;
}

function read(fields: object, family: "ipv4" | "ipv6" = "ipv4") {
  return readPodEni(annotated(JSON.stringify([fields])), family);
}

test("a complete annotation gives the address and the VLAN ID", () => {
  expect(read(COMPLETE)).toEqual({ eniId: "eni-1", mac: "0a:00", vlanId: 3, address: "10.0.0.5" });
});

test("the case of the keys does not matter", () => {
  const { vlanId, ...rest } = COMPLETE;

  expect(read({ ...rest, vlanID: vlanId })?.vlanId).toBe(3);
});

test("an old annotation without the keys of IPv6 and of the association is complete", () => {
  const { ipv6Addr: _a, subnetV6Cidr: _b, associationID: _c, ...old } = COMPLETE;

  expect(read(old)?.address).toBe("10.0.0.5");
});

test("the cluster's family decides which address counts, and the other one does not help", () => {
  const six = { ipv6Addr: "fd00::5", subnetV6Cidr: "fd00::/64" };
  const both = { ...COMPLETE, ...six };
  const sixOnly = { ...both, privateIp: "", subnetCidr: "" };

  expect([read(both)?.address, read(both, "ipv6")?.address]).toEqual(["10.0.0.5", "fd00::5"]);
  expect([read(sixOnly), read(sixOnly, "ipv6")?.address]).toEqual([undefined, "fd00::5"]);
  expect(read(COMPLETE, "ipv6")).toBeUndefined();
  expect(read({ ...both, subnetV6Cidr: "10.0.0.0/16" }, "ipv6")).toBeUndefined();
});

test.each([
  ["the VLAN ID is 0", { vlanId: 0 }],
  ["the MAC address is missing", { ifAddress: "" }],
  ["the address is missing", { privateIp: "" }],
  ["the subnet does not parse", { subnetCidr: "10.0.0.0" }],
  ["the subnet's prefix is too long", { subnetCidr: "10.0.0.0/33" }],
])("an annotation is incomplete when %s", (_case, change) => {
  expect(read({ ...COMPLETE, ...change })).toBeUndefined();
});

test.each([
  ["the VLAN ID is a text", { vlanId: "3" }],
  ["the VLAN ID has a fraction", { vlanId: 3.5 }],
  ["the ENI is a number", { eniId: 1 }],
  ["an address that is not used is a list", { ipv6Addr: [] }],
])("an annotation cannot be read when %s", (_case, change) => {
  expect(read({ ...COMPLETE, ...change })).toBeUndefined();
});

test("an annotation cannot be read when an element after the first has a wrong type", () => {
  const withSecond = (second: unknown) => readPodEni(annotated(JSON.stringify([COMPLETE, second])), "ipv4");

  expect(withSecond(null)?.vlanId).toBe(3);
  expect([withSecond(1), withSecond([]), withSecond({ vlanId: "4" })]).toEqual([undefined, undefined, undefined]);
});

test.each(["", "{}", "[]", "[1]", "[null]", "no JSON"])("the annotation %j is none", (text) => {
  expect(readPodEni(annotated(text), "ipv4")).toBeUndefined();
});

test("only the limits of the first container ask for a branch", () => {
  const limits = { [POD_ENI]: "1" };
  const asking = { name: "b", image: "b", resources: { limits } };
  const second = { spec: { containers: [{ name: "a", image: "a" }, asking] } };

  expect(wantsBranch(pod("p", { resources: { limits } }) as Pod)).toBe(true);
  expect(wantsBranch(pod("p", { resources: { limits: { [POD_ENI]: "0" } } }) as Pod)).toBe(true);
  expect(wantsBranch({ ...pod("p"), ...second } as Pod)).toBe(false);
});
