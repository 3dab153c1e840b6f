/** Who makes a request. */

/** Who asks. */
export interface User {
  username: string;
  uid?: string;
  groups: readonly string[];
}

/** The name of an admin without a token, as kubeadm makes it. */
export const ADMINISTRATOR: User = {
  username: "kubernetes-admin",
  groups: ["system:masters", "system:authenticated"],
};

/** The user of that name, with the groups that the name itself gives. */
export function userNamed(username: string, groups: readonly string[] = []): User {
  const [prefix, kind, namespace] = username.split(":");
  const own: string[] = [];
  if (prefix === "system" && kind === "serviceaccount" && namespace !== undefined) {
    own.push("system:serviceaccounts", `system:serviceaccounts:${namespace}`);
  }
  if (prefix === "system" && kind === "node") own.push("system:nodes");
  return { username, groups: [...new Set([...groups, ...own, "system:authenticated"])] };
}
