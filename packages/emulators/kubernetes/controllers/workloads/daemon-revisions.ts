import { type ControllerRevision, type DaemonSet, nameOf, ownedBy } from "../objects.ts";
import { CONTROLLER_REVISION_HASH, templateHash } from "./template-hash.ts";

const HISTORY_DEFAULT = 10;

/** What to do with the revisions of a DaemonSet. */
export interface RevisionStep {
  create: ControllerRevision | undefined;
  /** The present template was present before: its revision becomes the newest. */
  renumber: { revision: ControllerRevision; to: number } | undefined;
  /** Revisions beyond the history limit, the oldest first. */
  prune: ControllerRevision[];
}

/**
 * Keeps one ControllerRevision for each template that a DaemonSet had, which `kubectl rollout history` and
 * `kubectl rollout undo` read. Pure.
 */
export function planRevisions(daemonSet: DaemonSet, revisions: ControllerRevision[]): RevisionStep {
  const { template, revisionHistoryLimit = HISTORY_DEFAULT } = daemonSet.spec;
  const hash = templateHash(template);
  const name = `${nameOf(daemonSet)}-${hash}`;
  const oldestFirst = [...revisions].sort((a, b) => a.revision - b.revision);
  const newest = oldestFirst.at(-1)?.revision ?? 0;
  const current = oldestFirst.find((revision) => nameOf(revision) === name);
  const old = oldestFirst.filter((revision) => revision !== current);
  const prune = old.slice(0, Math.max(0, old.length - revisionHistoryLimit));
  if (current === undefined) {
    const { namespace } = daemonSet.metadata;
    const labels = { ...template.metadata?.labels, [CONTROLLER_REVISION_HASH]: hash };
    const create: ControllerRevision = {
      apiVersion: "apps/v1",
      kind: "ControllerRevision",
      metadata: {
        name,
        ...(namespace !== undefined && { namespace }),
        labels,
        annotations: { ...daemonSet.metadata.annotations },
        ownerReferences: [ownedBy(daemonSet)],
      },
      data: { spec: { template: { ...structuredClone(template), $patch: "replace" } } },
      revision: newest + 1,
    };
    return { create, renumber: undefined, prune };
  }
  const renumber = current.revision === newest ? undefined : { revision: current, to: newest + 1 };
  return { create: undefined, renumber, prune };
}
