import type { Tag, TagSpecification } from "@aws-sdk/client-ec2";
import { Ec2Error, invalidValue, required } from "./errors.ts";

/** Tags in the order in which they were given. */
export type Tags = Map<string, string>;

/** See https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions */
const TAGS_MAX = 50;
const KEY_LENGTH_MAX = 128;
const VALUE_LENGTH_MAX = 256;

/** Sets tags on `target`; throws before it changes anything when one is not allowed or there would be too many. */
export function putTags(target: Tags, tags: readonly Tag[]): void {
  for (const { Key, Value = "" } of tags) {
    const key = required(Key, "Tag.Key");
    if (key.toLowerCase().startsWith("aws:")) {
      throw invalidValue(
        `Value ( ${key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use`,
      );
    }
    if (key.length > KEY_LENGTH_MAX) {
      throw invalidValue(`Tag key exceeds the maximum length of ${KEY_LENGTH_MAX} characters`);
    }
    if (Value.length > VALUE_LENGTH_MAX) {
      throw invalidValue(`Tag value exceeds the maximum length of ${VALUE_LENGTH_MAX} characters`);
    }
  }
  const keys = new Set([...target.keys(), ...tags.map((tag) => tag.Key)]);
  if (keys.size > TAGS_MAX) {
    throw new Ec2Error("TagLimitExceeded", `The maximum number of tags for a resource is ${TAGS_MAX}.`);
  }
  for (const { Key = "", Value = "" } of tags) target.set(Key, Value);
}

/** The tags that a request gives at birth to what it makes; `allowed` are the kinds that the action may tag. */
export function tagsFor(
  kind: string,
  specifications: readonly TagSpecification[] | undefined,
  allowed: readonly string[] = [kind],
): Tags {
  const tags: Tags = new Map();
  const given: Tag[] = [];
  for (const specification of specifications ?? []) {
    const type = required(specification.ResourceType as string | undefined, "TagSpecification.ResourceType");
    if (!allowed.includes(type)) {
      throw invalidValue(`'${type}' is not a valid taggable resource type for this operation.`);
    }
    if (type === kind) given.push(...(specification.Tags ?? []));
  }
  const keys = given.map((tag) => tag.Key);
  if (new Set(keys).size < keys.length) {
    throw invalidValue("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  }
  putTags(tags, given);
  return tags;
}

/** The tags as the SDK's shapes carry them. */
export function tagSet(tags: Tags): Tag[] {
  return [...tags].map(([Key, Value]) => ({ Key, Value }));
}
