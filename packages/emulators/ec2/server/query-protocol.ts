/**
 * The EC2 Query protocol, driven by the schemas of the AWS SDK: form-encoded parameters in, XML out.
 * See https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html
 */

import * as ec2 from "@aws-sdk/client-ec2";
import { XmlShapeSerializer } from "@aws-sdk/core/protocols";
import { NormalizedSchema } from "@smithy/core/schema";
import { ACTIONS, type Ec2Action } from "../model/actions.ts";
import { Ec2Error, invalidValue } from "../model/errors.ts";

const XML_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/";
const XML_HEADER = `<?xml version="1.0" encoding="UTF-8"?>\n`;
/** Timestamps in answers are written as ISO 8601: the SDK's number for that format. */
const DATE_TIME_FORMAT = 5;
/** Parameters that belong to the protocol, and those of a signature in the query string. */
const PROTOCOL_PARAMETERS = /^(Action|Version|AWSAccessKeyId|Timestamp|Expires|Signature.*|X-Amz-.*|SecurityToken)$/;

/** A request that was understood. */
export interface Ec2Request {
  readonly action: Ec2Action;
  readonly input: object;
}

/** Reads the parameters of a request. Throws `InvalidAction`, `UnknownParameter` or `InvalidParameterValue`. */
export function parseRequest(parameters: URLSearchParams): Ec2Request {
  const action = parameters.get("Action") ?? "";
  if (!Object.hasOwn(ACTIONS, action)) {
    throw new Ec2Error("InvalidAction", `The action ${action} is not valid for this web service.`);
  }
  const schema = NormalizedSchema.of(resolved(operation(action)[4]) as never);
  return { action: action as Ec2Action, input: readStruct(schema, treeOf(parameters), "") };
}

/** The document that answers an action. */
export function formatAnswer(action: Ec2Action, output: object, requestId: string): string {
  const [, namespace, , traits, names, members] = outputSchema(action);
  // The answer has the members of the operation's output under the name that the protocol gives it.
  const schema = [
    3,
    namespace,
    `${action}Response`,
    traits,
    ["RequestId", ...names],
    [[0, { xmlName: "requestId" }], ...members],
  ];
  const serializer = new XmlShapeSerializer({
    xmlNamespace: XML_NAMESPACE,
    serviceNamespace: "com.amazonaws.ec2",
    timestampFormat: { useTrait: true, default: DATE_TIME_FORMAT },
  });
  serializer.write(schema as never, { RequestId: requestId, ...output });
  return XML_HEADER + String(serializer.flush());
}

/** The document that refuses a call. */
export function formatError(error: Ec2Error, requestId: string): string {
  const { code, message } = error;
  return `${XML_HEADER}<Response><Errors><Error><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error></Errors><RequestID>${requestId}</RequestID></Response>`;
}

/** The SDK's schema of a structure: kind, namespace, name, traits, member names, member schemas. */
type StructSchema = readonly [3, string, string, unknown, readonly string[], readonly unknown[]];
/** The SDK's schema of an operation: kind, namespace, name, traits, input, output. */
type OperationSchema = readonly [9, string, string, unknown, unknown, unknown];

function operation(action: string): OperationSchema {
  return (ec2 as unknown as Record<string, OperationSchema>)[`${action}$`] as OperationSchema;
}

function outputSchema(action: Ec2Action): StructSchema {
  const schema = resolved(operation(action)[5]);
  return schema === "unit" ? [3, "com.amazonaws.ec2", "Unit", 0, [], []] : (schema as StructSchema);
}

function resolved(schema: unknown): unknown {
  return typeof schema === "function" ? (schema as () => unknown)() : schema;
}

interface Tree {
  value?: string;
  readonly children: Map<string, Tree>;
}

/** `A.1.B=x` as nested nodes. */
function treeOf(parameters: URLSearchParams): Tree {
  const root: Tree = { children: new Map() };
  for (const [path, value] of parameters) {
    if (PROTOCOL_PARAMETERS.test(path)) continue;
    let node = root;
    for (const part of path.split(".")) {
      const next = node.children.get(part) ?? { children: new Map() };
      node.children.set(part, next);
      node = next;
    }
    node.value = value;
  }
  return root;
}

function readStruct(schema: NormalizedSchema, tree: Tree, path: string): object {
  const result: Record<string, unknown> = {};
  const unread = new Set(tree.children.keys());
  for (const [name, member] of schema.structIterator()) {
    const { ec2QueryName, xmlName } = member.getMergedTraits() as { ec2QueryName?: string; xmlName?: string };
    const key = ec2QueryName ?? capitalised(xmlName ?? name);
    const child = tree.children.get(key);
    if (!child) continue;
    unread.delete(key);
    const value = readValue(member, child, path + key);
    if (value !== undefined) result[name] = value;
  }
  for (const key of unread) {
    throw new Ec2Error("UnknownParameter", `The parameter ${path}${key} is not recognized`);
  }
  return result;
}

function readValue(schema: NormalizedSchema, tree: Tree, path: string): unknown {
  if (schema.isListSchema()) return readList(schema, tree, path);
  if (schema.isStructSchema()) return readStruct(schema, tree, `${path}.`);
  const { value } = tree;
  if (value === undefined) throw new Ec2Error("UnknownParameter", `The parameter ${path} is not recognized`);
  if (schema.isBooleanSchema()) return readBoolean(value, path);
  if (schema.isNumericSchema()) return readNumber(value, path);
  if (schema.isTimestampSchema()) return new Date(value);
  if (schema.isBlobSchema()) return Buffer.from(value, "base64");
  return value;
}

function readList(schema: NormalizedSchema, tree: Tree, path: string): unknown[] | undefined {
  // `X=` is how a client writes an empty list.
  if (tree.children.size === 0) return undefined;
  const member = schema.getValueSchema();
  return [...tree.children]
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([index, child]) => {
      if (!/^\d+$/.test(index)) {
        throw new Ec2Error("UnknownParameter", `The parameter ${path}.${index} is not recognized`);
      }
      return readValue(member, child, `${path}.${index}`);
    });
}

function readBoolean(value: string, path: string): boolean {
  if (/^(true|false)$/i.test(value)) return value.toLowerCase() === "true";
  throw invalidValue(`Invalid value '${value}' for ${path}. It must be true or false.`);
}

function readNumber(value: string, path: string): number {
  // None of the actions that the model knows takes a fraction.
  if (/^-?\d{1,15}$/.test(value)) return Number(value);
  throw invalidValue(`Invalid value '${value}' for ${path}. It must be a whole number.`);
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function escapeXml(text: string): string {
  const entities: Record<string, string> = { "<": "&lt;", ">": "&gt;", "&": "&amp;" };
  return text.replace(/[<>&]/g, (character) => entities[character] ?? character);
}
