import type { PodEni } from "@trunkline/core";
import { describe, expect, test } from "vitest";
import { parsePodEnis, readPodEnis, writePodEnis } from "./annotation.ts";

const eni: PodEni = {
  eniId: "eni-0123456789abcdef0",
  ifAddress: "0a:1b:2c:3d:4e:5f",
  privateIp: "192.168.0.15",
  ipv6Addr: "",
  vlanId: 1,
  subnetCidr: "192.168.0.0/16",
  subnetV6Cidr: "",
  associationID: "trunk-assoc-0123",
};

/** Byte for byte what the CNI plugin has always been given. */
const written =
  '[{"eniId":"eni-0123456789abcdef0","ifAddress":"0a:1b:2c:3d:4e:5f","privateIp":"192.168.0.15","ipv6Addr":"","vlanId":1,' +
  '"subnetCidr":"192.168.0.0/16","subnetV6Cidr":"","associationID":"trunk-assoc-0123"}]';

test("K50: the annotation has every key, in its order, without white space", () => {
  const { associationID, ...others } = eni;

  expect(writePodEnis([{ associationID, ...others }])).toBe(written);
});

test("what is written is read", () => {
  expect(readPodEnis(written)).toEqual([eni]);
});

test("K51: the case of keys does not matter", () => {
  const text = written.replace("vlanId", "vlanID").replace("associationID", "AssociationId").replace("eniId", "ENIID");

  expect(readPodEnis(text)).toEqual([eni]);
});

test("K51: keys that old controllers did not write are empty", () => {
  const old =
    '[{"eniId":"eni-01234567","ifAddress":"0a:1b","privateIp":"10.0.0.1","vlanId":3,"subnetCidr":"10.0.0.0/24"}]';

  expect(readPodEnis(old)).toEqual([
    {
      eniId: "eni-01234567",
      ifAddress: "0a:1b",
      privateIp: "10.0.0.1",
      ipv6Addr: "",
      vlanId: 3,
      subnetCidr: "10.0.0.0/24",
      subnetV6Cidr: "",
      associationID: "",
    },
  ]);
});

describe("what is no annotation is not read", () => {
  test.each([
    ["an absent one", undefined],
    ["an empty text", ""],
    ["no JSON", "eni-0123"],
    ["no list", '{"eniId":"eni-01234567","vlanId":1}'],
    ["an empty list", "[]"],
    ["a list of something else", "[1]"],
    ["a null", "[null]"],
    ["no VLAN ID", '[{"eniId":"eni-01234567"}]'],
    ["VLAN ID 0", '[{"eniId":"eni-01234567","vlanId":0}]'],
    ["a VLAN ID that is a text", '[{"eniId":"eni-01234567","vlanId":"1"}]'],
    ["no ENI ID", '[{"vlanId":1}]'],
    ["an ENI ID that is none", '[{"eniId":"sg-01234567","vlanId":1}]'],
    ["more ENIs than a pod can have", JSON.stringify(Array.from({ length: 17 }, () => eni))],
    ["an endless text", `[${" ".repeat(40_000)}]`],
  ])("%s", (_, text) => {
    expect(readPodEnis(text)).toBeUndefined();
  });
});

describe("what is wrong with an annotation is said", () => {
  test.each([
    ["no JSON", "eni-0123", "is not JSON"],
    ["no list", "{}", "is not a list"],
    ["an empty list", "[]", "has 0 ENIs, not 1 to 16"],
    ["more ENIs than a pod can have", JSON.stringify(Array(17).fill(eni)), "has 17 ENIs, not 1 to 16"],
    ["something else in the list", "[1]", "has an element 0 that is no object"],
    ["VLAN ID 0", JSON.stringify([{ ...eni, vlanId: 0 }]), "has an element 0 that has no vlanId from 1 to 4094"],
    ["VLAN ID 4095", JSON.stringify([{ ...eni, vlanId: 4_095 }]), "has an element 0 that has no vlanId from 1 to 4094"],
    [
      "no ENI ID in the second element",
      JSON.stringify([eni, { ...eni, eniId: "" }]),
      "has an element 1 that has no eniId such as eni-0123456789abcdef0",
    ],
    ["an endless text", `[${" ".repeat(40_000)}]`, "is longer than 32768 characters"],
  ])("%s", (_, text, problem) => {
    expect(parsePodEnis(text)).toEqual({ ok: false, problem });
  });
});

test("VLAN ID 999 is read: it is none of ours, but a frame can carry it and another controller may have given it", () => {
  expect(readPodEnis(JSON.stringify([{ ...eni, vlanId: 999 }]))).toEqual([{ ...eni, vlanId: 999 }]);
});
