import type { PodEni } from "@trunkline/core";
import { describe, expect, test } from "vitest";
import { readPodEnis, writePodEnis } from "./annotation.ts";

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

test("the annotation has every key, in its order, without white space", () => {
  const { associationID, ...others } = eni;

  expect(writePodEnis([{ associationID, ...others }])).toBe(written);
});

test("what is written is read", () => {
  expect(readPodEnis(written)).toEqual([eni]);
});

test("the case of keys does not matter", () => {
  const text = written.replace("vlanId", "vlanID").replace("associationID", "AssociationId").replace("eniId", "ENIID");

  expect(readPodEnis(text)).toEqual([eni]);
});

test("keys that old controllers did not write are empty", () => {
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
