/** A piece of an XML document: a text, a list of what stood in `item` elements, or elements by name. */
export type XmlValue = string | XmlValue[] | { [name: string]: XmlValue };

const token = /<(?<close>\/)?(?<name>[A-Za-z0-9:]+)(?:\s[^>]*?)?(?<empty>\/)?>|(?<text>[^<]+)/g;

interface Open {
  readonly name: string;
  readonly elements: [name: string, value: XmlValue][];
  text: string;
}

/**
 * Reads the XML of an EC2 answer, in which attributes mean nothing and lists are made of `item` elements.
 *
 * @throws Error when elements do not close as they open.
 */
export function readXml(xml: string): XmlValue {
  const stack: Open[] = [{ name: "", elements: [], text: "" }];
  const top = () => stack.at(-1) as Open;
  for (const { groups } of xml.replace(/^<\?xml[^>]*\?>/, "").matchAll(token)) {
    if (groups?.text !== undefined) top().text += groups.text;
    else if (groups?.close === undefined) stack.push({ name: groups?.name ?? "", elements: [], text: "" });
    if (groups?.close === undefined && groups?.empty === undefined) continue;
    const closed = stack.pop() as Open;
    if (closed.name !== groups.name || stack.length === 0) throw new Error(`</${groups.name}> closes nothing`);
    top().elements.push([closed.name, contentOf(closed)]);
  }
  if (stack.length !== 1) throw new Error(`<${top().name}> is not closed`);
  return contentOf(top());
}

function contentOf({ elements, text }: Open): XmlValue {
  if (elements.length === 0) return textOf(text.trim());
  if (elements.every(([name]) => name === "item")) return elements.map(([, value]) => value);
  return Object.fromEntries(elements);
}

function textOf(text: string): string {
  const characters: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => characters[name] ?? "");
}
