import { describe, expect, test } from "vitest";
import { account, refusal } from "./testing.ts";

describe("late visibility", () => {
  test("hides young interfaces from describes and shows deleted ones for a while", () => {
    const { model, clock, networkInterface } = account();
    model.configure({ visibility: { describeDelayMs: 2_000 } });
    const listed = () => model.call("DescribeNetworkInterfaces", { MaxResults: 5 }).NetworkInterfaces?.length;
    const id = networkInterface();
    const named = () => model.call("DescribeNetworkInterfaces", { NetworkInterfaceIds: [id] }).NetworkInterfaces;
    expect(listed()).toBe(0);
    expect(refusal(named).code).toBe("InvalidNetworkInterfaceID.NotFound");
    clock.advance(2_000);
    expect(listed()).toBe(1);
    expect(named()).toHaveLength(1);
    model.call("DeleteNetworkInterface", { NetworkInterfaceId: id });
    clock.advance(1_999);
    expect(listed()).toBe(1);
    expect(named()).toHaveLength(1);
    clock.advance(1);
    expect(listed()).toBe(0);
    expect(refusal(named).code).toBe("InvalidNetworkInterfaceID.NotFound");
  });

  test("keeps the order of creation, so that no page loses an interface", () => {
    const { model, clock, networkInterface } = account();
    model.configure({ visibility: { describeDelayMs: 2_000 } });
    const ids = Array.from({ length: 6 }, () => networkInterface());
    clock.advance(2_000);
    model.call("DeleteNetworkInterface", { NetworkInterfaceId: ids[0] });
    const first = model.call("DescribeNetworkInterfaces", { MaxResults: 5 });
    expect(first.NetworkInterfaces?.map((one) => one.NetworkInterfaceId)).toEqual(ids.slice(0, 5));
  });

  test("never shows an interface that was gone before it could be seen", () => {
    const { model, clock, networkInterface } = account();
    model.configure({ visibility: { describeDelayMs: 2_000 } });
    const NetworkInterfaceId = networkInterface();
    clock.advance(500);
    model.call("DeleteNetworkInterface", { NetworkInterfaceId });
    const shown = () => model.call("DescribeNetworkInterfaces", { MaxResults: 5 }).NetworkInterfaces?.length;
    clock.advance(1_500);
    expect(shown()).toBe(1);
    clock.advance(500);
    expect(shown()).toBe(0);
  });

  test("keeps calls from finding a young interface, when that is asked for", () => {
    const { model, clock, networkInterface } = account();
    const trunkId = networkInterface({ InterfaceType: "trunk" });
    clock.advance(500);
    model.configure({ visibility: { referenceDelayMs: 500 } });
    const young = networkInterface();
    const associate = () =>
      model.call("AssociateTrunkInterface", { BranchInterfaceId: young, TrunkInterfaceId: trunkId, VlanId: 1 });
    expect(refusal(associate)).toMatchObject({
      code: "InvalidNetworkInterfaceID.NotFound",
      message: `The networkInterface ID '${young}' does not exist`,
    });
    clock.advance(500);
    expect(associate().InterfaceAssociation?.BranchInterfaceId).toBe(young);
  });

  test("does not touch the truth that the state shows", () => {
    const { model, networkInterface } = account();
    model.configure({ visibility: { describeDelayMs: 2_000 } });
    networkInterface();
    expect(model.state().networkInterfaces).toHaveLength(1);
  });
});

describe("pages", () => {
  function many(count: number) {
    const world = account();
    const ids = Array.from({ length: count }, () => world.networkInterface());
    const page = (MaxResults: number, NextToken?: string) =>
      world.model.call("DescribeNetworkInterfaces", { MaxResults, NextToken });
    return { ...world, ids, page };
  }

  test("together hold everything once, in order of creation", () => {
    const { ids, page } = many(12);
    const seen: (string | undefined)[] = [];
    let NextToken: string | undefined;
    do {
      const answer = page(5, NextToken);
      seen.push(...(answer.NetworkInterfaces ?? []).map((one) => one.NetworkInterfaceId));
      NextToken = answer.NextToken;
    } while (NextToken !== undefined);
    expect(seen).toEqual(ids);
  });

  test("continue where they were, also when what they ended with was deleted meanwhile", () => {
    const { model, ids, page } = many(7);
    const first = page(5);
    model.call("DeleteNetworkInterface", { NetworkInterfaceId: ids[4] });
    const second = page(5, first.NextToken);
    expect(second.NetworkInterfaces?.map((one) => one.NetworkInterfaceId)).toEqual(ids.slice(5));
  });

  test("have a size of 5 to 1000, and exclude IDs", () => {
    const { model, ids, page } = many(1);
    expect(refusal(() => page(4))).toMatchObject({
      code: "InvalidParameterValue",
      message: "Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than 5.",
    });
    expect(refusal(() => page(1_001)).code).toBe("InvalidParameterValue");
    const both = { NetworkInterfaceIds: ids, MaxResults: 5 };
    expect(refusal(() => model.call("DescribeNetworkInterfaces", both)).code).toBe("InvalidParameterCombination");
    expect(refusal(() => page(5, "made up")).code).toBe("InvalidNextToken");
  });

  test("count what the filters leave", () => {
    const { model, ids } = many(7);
    model.call("CreateTags", { Resources: ids.slice(1), Tags: [{ Key: "k", Value: "v" }] });
    const answer = model.call("DescribeNetworkInterfaces", {
      MaxResults: 6,
      Filters: [{ Name: "tag:k", Values: ["v"] }],
    });
    expect(answer.NetworkInterfaces).toHaveLength(6);
    expect(answer.NextToken).toBeUndefined();
  });
});
