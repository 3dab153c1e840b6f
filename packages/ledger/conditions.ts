import type { Expectation } from "@trunkline/core";
import { attributeOf, epochAttribute } from "./attributes.ts";

/** What DynamoDB takes as a condition. */
export interface Condition {
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames: Record<string, string>;
  readonly ExpressionAttributeValues: Record<string, unknown>;
}

/** One comparison: an attribute, an operator and its operands. */
interface Part {
  readonly field: string;
  readonly operator: "=" | "<=" | "IN";
  readonly operands: readonly unknown[];
}

type Named<Name extends Expectation["name"]> = Extract<Expectation, { name: Name }>;

const versionIs = ({ version }: Named<"version-is">): Part => ({
  field: "version",
  operator: "=",
  operands: [version],
});

const statusIn = ({ statuses }: Named<"status-in">): Part => ({
  field: "status",
  operator: "IN",
  operands: statuses,
});

const generationIs = ({ generation }: Named<"generation-is">): Part => ({
  field: "generation",
  operator: "=",
  operands: [generation],
});

const trunkEniIs = ({ trunkEniId }: Named<"trunk-eni-is">): Part => ({
  field: "trunkEniId",
  operator: "=",
  operands: [trunkEniId],
});

const heldAtMost = ({ held }: Named<"held-at-most">): Part => ({ field: "held", operator: "<=", operands: [held] });

/** The comparison that an expectation adds to the epoch's; presence is told by the epoch alone. */
function partOf(expectation: Exclude<Expectation, Named<"absent">>): Part | undefined {
  switch (expectation.name) {
    case "present":
      return undefined;
    case "version-is":
      return versionIs(expectation);
    case "status-in":
      return statusIn(expectation);
    case "generation-is":
      return generationIs(expectation);
    case "trunk-eni-is":
      return trunkEniIs(expectation);
    case "held-at-most":
      return heldAtMost(expectation);
  }
}

/**
 * Composes named expectations into one condition. A record of another epoch counts as absent: so "absent" accepts it,
 * and every other expectation refuses it.
 *
 * @returns nothing when nothing is expected.
 */
export function conditionOf(expectations: readonly Expectation[], epoch: string): Condition | undefined {
  if (expectations.length === 0) return undefined;
  const names: Record<string, string> = { "#epoch": epochAttribute };
  const values: Record<string, unknown> = { ":epoch": epoch };
  const expressions = new Set<string>();
  for (const [place, expectation] of expectations.entries()) {
    if (expectation.name === "absent") {
      expressions.add("(attribute_not_exists(#epoch) OR #epoch <> :epoch)");
      continue;
    }
    expressions.add("#epoch = :epoch");
    const part = partOf(expectation);
    if (part === undefined) continue;
    const name = `#${part.field}`;
    names[name] = attributeOf(part.field);
    const operands = part.operands.map((operand, index) => {
      const placeholder = `:p${place}x${index}`;
      values[placeholder] = operand;
      return placeholder;
    });
    expressions.add(
      part.operator === "IN" ? `${name} IN (${operands.join(", ")})` : `${name} ${part.operator} ${operands[0]}`,
    );
  }
  return {
    ConditionExpression: [...expressions].join(" AND "),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  };
}
