/**
 * Bodies in the API's binary form, in which typed Go clients (kubectl's `create` among them) send them.
 * See https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding.
 */

import type { JsonObject } from "../json.ts";
import { microTimestamp, timestamp } from "../time.ts";
import { MESSAGE_FIELDS } from "./fields.ts";

/** A field of a message, see {@link MESSAGE_FIELDS}. */
interface Field {
  json: string;
  list: boolean;
  map: boolean;
  pointer: boolean;
  type: string;
}

const MAGIC = Buffer.from("k8s\0");
const DEPTH_MAX = 64;
const VARINT_BYTES_MAX = 10;
const described = new Map<string, Map<number, Field>>();

/** The media type of the form. */
export const PROTOBUF = "application/vnd.kubernetes.protobuf";

/** The body as JSON. Throws an error that says what is wrong with it. */
export function decodeProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC))
    throw new Error("provided data does not appear to be a protobuf message");
  let apiVersion = "";
  let kind = "";
  let raw: Buffer = Buffer.alloc(0);
  for (const part of partsOf(body.subarray(MAGIC.length))) {
    if (part.number === 2) raw = bytesOf(part);
    if (part.number !== 1) continue;
    for (const name of partsOf(bytesOf(part))) {
      if (name.number === 1) apiVersion = bytesOf(name).toString();
      if (name.number === 2) kind = bytesOf(name).toString();
    }
  }
  const message = messageName(apiVersion, kind);
  if (MESSAGE_FIELDS[message] === undefined)
    throw new Error(`no kind "${kind}" is registered for version "${apiVersion}"`);
  return { apiVersion, kind, ...readMessage(raw, message, 0) };
}

function messageName(apiVersion: string, kind: string): string {
  if (kind === "DeleteOptions") return "meta.DeleteOptions";
  const group = apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "core";
  return `${group.split(".")[0]}.${kind}`;
}

function fieldsOf(message: string): Map<number, Field> {
  let fields = described.get(message);
  if (fields === undefined) {
    const texts = (MESSAGE_FIELDS[message] ?? "").split(" ").filter((text) => text !== "");
    fields = new Map(texts.map((text) => describeField(text)));
    described.set(message, fields);
  }
  return fields;
}

function describeField(text: string): [number, Field] {
  const [number = "", json = "", type = ""] = text.split(":");
  const [, marks = "", name = ""] = /^((?:\*|\[\]|\{\})*)(.*)$/.exec(type) ?? [];
  const field = { json, list: marks.startsWith("[]"), map: marks.startsWith("{}"), pointer: marks.startsWith("*") };
  // A map of lists holds each list in a message of its own.
  return [Number(number), { ...field, type: marks === "{}[]" ? "list" : name }];
}

interface Part {
  number: number;
  /** A varint, 8 bytes, a length-delimited piece, or 4 bytes. */
  value: bigint | Buffer;
}

function bytesOf(part: Part): Buffer {
  if (typeof part.value === "bigint") throw new Error(`proto: wrong wireType for field ${part.number}`);
  return part.value;
}

function* partsOf(buffer: Buffer): Generator<Part> {
  let offset = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let index = 0; index < VARINT_BYTES_MAX; index += 1) {
      const byte = buffer[offset];
      if (byte === undefined) throw new Error("unexpected EOF");
      offset += 1;
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return value;
    }
    throw new Error("proto: integer overflow");
  };
  const take = (length: number): Buffer => {
    if (offset + length > buffer.length) throw new Error("unexpected EOF");
    offset += length;
    return buffer.subarray(offset - length, offset);
  };
  while (offset < buffer.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    const wire = tag & 7;
    if (wire === 0) yield { number, value: varint() };
    else if (wire === 1) yield { number, value: take(8) };
    else if (wire === 2) yield { number, value: take(Number(varint())) };
    else if (wire === 5) yield { number, value: take(4) };
    else throw new Error(`proto: illegal wireType ${wire}`);
  }
}

function readMessage(buffer: Buffer, message: string, depth: number): JsonObject {
  if (depth > DEPTH_MAX) throw new Error("proto: the message is nested too deeply");
  const fields = fieldsOf(message);
  const object: JsonObject = {};
  for (const part of partsOf(buffer)) {
    const field = fields.get(part.number);
    if (field !== undefined) addField(object, field, part, depth);
  }
  return object;
}

function addField(object: JsonObject, field: Field, part: Part, depth: number): void {
  if (field.map) {
    const [key, value] = readEntry(bytesOf(part), field, depth);
    object[field.json] = { ...(object[field.json] as JsonObject | undefined), [key]: value };
    return;
  }
  const value = readValue(part, field.type, depth);
  if (field.list) {
    const held = object[field.json];
    object[field.json] = [...(Array.isArray(held) ? held : []), value];
  } else if (field.json === "") Object.assign(object, value);
  // Go writes the zero value of every field that is no pointer; JSON leaves it out.
  else if (field.pointer || !isZero(value)) object[field.json] = value;
}

function isZero(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === "" || value === 0 || value === false || value === null;
}

function readEntry(buffer: Buffer, field: Field, depth: number): [string, unknown] {
  let key = "";
  let value: unknown = field.type === "s" ? "" : undefined;
  for (const part of partsOf(buffer)) {
    if (part.number === 1) key = bytesOf(part).toString();
    if (part.number === 2) value = readValue(part, field.type, depth);
  }
  return [key, value];
}

function readValue(part: Part, type: string, depth: number): unknown {
  switch (type) {
    case "s":
      return bytesOf(part).toString();
    case "i":
      return typeof part.value === "bigint" ? Number(BigInt.asIntN(64, part.value)) : 0;
    case "b":
      return part.value === 1n;
    case "f":
      return bytesOf(part).readDoubleLE();
    case "B":
      return bytesOf(part).toString("base64");
    default:
      return readSpecial(bytesOf(part), type) ?? readMessage(bytesOf(part), type, depth + 1);
  }
}

/** Values whose form on the wire is not the form in JSON; `undefined` when the type is an ordinary message. */
function readSpecial(buffer: Buffer, type: string): unknown {
  const parts = () => new Map([...partsOf(buffer)].map((part) => [part.number, part]));
  const text = (number: number) => {
    const part = parts().get(number);
    return part === undefined ? "" : bytesOf(part).toString();
  };
  const whole = (number: number) => {
    const value = parts().get(number)?.value;
    return typeof value === "bigint" ? Number(BigInt.asIntN(64, value)) : 0;
  };
  switch (type) {
    case "Quantity":
      return text(1);
    case "IntOrString":
      return whole(1) === 0 ? whole(2) : text(3);
    case "Raw":
      return text(1) === "" ? {} : JSON.parse(text(1));
    case "list":
      return [...partsOf(buffer)].map((part) => bytesOf(part).toString());
    case "Time": {
      if (buffer.length === 0) return null;
      const [seconds, nanoseconds] = [whole(1), whole(2)];
      return nanoseconds === 0 ? timestamp(seconds * 1000) : microTimestamp(seconds * 1000 + nanoseconds / 1e6);
    }
    default:
      return undefined;
  }
}
