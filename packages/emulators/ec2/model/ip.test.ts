import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cidrContains, cidrsOverlap, cidrWithin, formatAddress, formatCidr, parseAddress, parseCidr } from "./ip.ts";
import { sure } from "./testing.ts";

describe("addresses", () => {
  test("of both families survive being written and read", () => {
    const address = fc.oneof(
      fc.record({ family: fc.constant(4 as const), value: fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }) }),
      fc.record({ family: fc.constant(6 as const), value: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }) }),
    );
    fc.assert(
      fc.property(address, (one) => {
        expect(parseAddress(formatAddress(one))).toEqual(one);
      }),
    );
  });

  test.each([
    ["2600:1f13:0:0:0:0:0:1", "2600:1f13::1"],
    ["::", "::"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["2001:DB8::A", "2001:db8::a"],
  ])("%s is written %s", (long, short) => {
    expect(formatAddress(sure(parseAddress(long)))).toBe(short);
  });

  test.each(["10.0.0", "10.0.0.256", "1.2.3.4.5", "a.b.c.d", "1::2::3", "1:2:3", "12345::", ""])(
    "%j is none",
    (text) => {
      expect(parseAddress(text)).toBeUndefined();
    },
  );
});

describe("blocks", () => {
  test("drop host bits", () => {
    expect(formatCidr(sure(parseCidr("10.1.2.3/16")))).toBe("10.1.0.0/16");
    expect(formatCidr(sure(parseCidr("2600:1f00::1/56")))).toBe("2600:1f00::/56");
  });

  test.each(["10.0.0.0", "10.0.0.0/33", "10.0.0.0/a", "10.0.0.0/8/8", "::/129", "/8"])("%j is none", (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  test("know what lies in them", () => {
    const block = sure(parseCidr("10.0.0.0/24"));
    expect(cidrContains(block, sure(parseAddress("10.0.0.255")))).toBe(true);
    expect(cidrContains(block, sure(parseAddress("10.0.1.0")))).toBe(false);
    expect(cidrContains(sure(parseCidr("0.0.0.0/0")), sure(parseAddress("::1")))).toBe(false);
    expect(cidrWithin(sure(parseCidr("10.0.0.128/25")), block)).toBe(true);
    expect(cidrWithin(block, sure(parseCidr("10.0.0.128/25")))).toBe(false);
    expect(cidrsOverlap(block, sure(parseCidr("10.0.0.128/25")))).toBe(true);
    expect(cidrsOverlap(block, sure(parseCidr("10.0.1.0/24")))).toBe(false);
  });
});
