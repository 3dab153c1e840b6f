import type { IncomingMessage } from "node:http";

/** A request's body, or why there is none. */
export type Body =
  | { readonly result: "read"; readonly text: string }
  /** It is longer than one may be. */
  | { readonly result: "too-long" }
  /** Too much was being read at once. */
  | { readonly result: "busy" }
  /** The client went away before its end. */
  | { readonly result: "broken" };

/** How much may be read. */
export interface BodyLimits {
  /** Of one body. */
  readonly bytesMax: number;
  /** Of all bodies that are being read at the same time. */
  readonly bytesMaxTogether: number;
}

/**
 * Reads bodies within limits, so that a flood of them cannot take all memory. What is refused is still read to its end and
 * thrown away: a client that is writing would not see the answer otherwise.
 */
export const createBodyReader = ({ bytesMax, bytesMaxTogether }: BodyLimits) => {
  let bytesTogether = 0;
  return (request: IncomingMessage): Promise<Body> =>
    new Promise((resolve) => {
      let chunks: Buffer[] = [];
      let bytes = 0;
      let refused: "too-long" | "busy" | undefined;
      const release = (): void => {
        bytesTogether -= bytes;
        bytes = 0;
        chunks = [];
      };
      const settle = (body: Body): void => {
        release();
        resolve(body);
      };
      const refuse = (result: "too-long" | "busy"): void => {
        release();
        refused = result;
      };
      if (Number(request.headers["content-length"] ?? 0) > bytesMax) refuse("too-long");
      request.on("data", (chunk: Buffer) => {
        if (refused !== undefined) return;
        bytes += chunk.length;
        bytesTogether += chunk.length;
        if (bytes > bytesMax) return refuse("too-long");
        if (bytesTogether > bytesMaxTogether) return refuse("busy");
        chunks.push(chunk);
      });
      request.once("end", () =>
        settle(
          refused === undefined
            ? { result: "read", text: Buffer.concat(chunks).toString("utf8") }
            : { result: refused },
        ),
      );
      request.once("close", () => settle({ result: "broken" }));
      request.once("error", () => settle({ result: "broken" }));
    });
};
