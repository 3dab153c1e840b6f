import type {
  CreateTagsRequest,
  DeleteTagsRequest,
  DescribeTagsRequest,
  DescribeTagsResult,
  ResourceType,
  TagDescription,
} from "@aws-sdk/client-ec2";
import type { Collection, Identified } from "./collection.ts";
import { Ec2Error, required } from "./errors.ts";
import { compileFilters, type FilterTable } from "./filters.ts";
import type { IdName } from "./ids.ts";
import { page } from "./paging.ts";
import { putTags, type Tags } from "./tags.ts";
import { lookUp, type World } from "./world.ts";

interface Taggable extends Identified {
  readonly tags: Tags;
}

interface TaggableKind {
  readonly type: ResourceType;
  readonly kind: IdName;
  readonly collection: (world: World) => Collection<Taggable>;
}

/** What carries tags, by the prefix of its ID. */
const KINDS: ReadonlyMap<string, TaggableKind> = new Map<string, TaggableKind>(
  Object.entries({
    vpc: { type: "vpc", kind: "vpc", collection: (world) => world.vpcs },
    subnet: { type: "subnet", kind: "subnet", collection: (world) => world.subnets },
    sg: { type: "security-group", kind: "group", collection: (world) => world.groups },
    sgr: { type: "security-group-rule", kind: "rule", collection: (world) => world.rules },
    eni: { type: "network-interface", kind: "networkInterface", collection: (world) => world.interfaces },
    i: { type: "instance", kind: "instance", collection: (world) => world.instances },
  } satisfies Record<string, TaggableKind>),
);

/** `CreateTags`: on all of the things named or, when one is refused, on none. */
export function createTags(world: World, input: CreateTagsRequest): object {
  const tags = required(input.Tags, "Tag");
  const targets = named(world, input.Resources);
  for (const target of targets) putTags(new Map(target.tags), tags);
  for (const target of targets) putTags(target.tags, tags);
  return {};
}

/** `DeleteTags`: by key, by key and value, or without any, all. */
export function deleteTags(world: World, input: DeleteTagsRequest): object {
  for (const { tags } of named(world, input.Resources)) {
    if (!input.Tags?.length) tags.clear();
    for (const { Key = "", Value } of input.Tags ?? []) {
      if (Value === undefined || tags.get(Key) === Value) tags.delete(Key);
    }
  }
  return {};
}

/** `DescribeTags`. */
export function describeTags(world: World, input: DescribeTagsRequest): DescribeTagsResult {
  const matches = compileFilters(input.Filters, FILTERS);
  const all = [...KINDS.values()].flatMap((kind) =>
    kind
      .collection(world)
      .listed()
      .flatMap(({ record }) =>
        [...record.tags].map(([key, value]) => ({ id: record.id, type: kind.type, key, value })),
      ),
  );
  const rows = all.map((tag, index) => ({ sequence: index + 1, record: { ...tag, tags: NO_TAGS } }));
  const { records, nextToken } = page(
    rows.filter((row) => matches(row.record)),
    input,
  );
  return { Tags: records.map(tagView), NextToken: nextToken };
}

interface TagRecord {
  readonly id: string;
  readonly type: ResourceType;
  readonly key: string;
  readonly value: string;
  readonly tags: Tags;
}

const NO_TAGS: Tags = new Map();

const FILTERS: FilterTable<TagRecord> = {
  key: (tag) => [tag.key],
  value: (tag) => [tag.value],
  "resource-id": (tag) => [tag.id],
  "resource-type": (tag) => [tag.type],
};

function tagView(tag: TagRecord): TagDescription {
  return { Key: tag.key, Value: tag.value, ResourceId: tag.id, ResourceType: tag.type };
}

function named(world: World, ids: readonly string[] | undefined): Taggable[] {
  const list = required(ids, "ResourceId");
  if (list.length === 0) required(undefined, "ResourceId");
  return list.map((id) => {
    const kind = KINDS.get(id.slice(0, id.indexOf("-")));
    if (!kind) throw new Ec2Error("InvalidID", `The ID '${id}' is not valid`);
    return lookUp(kind.collection(world), kind.kind, id);
  });
}
