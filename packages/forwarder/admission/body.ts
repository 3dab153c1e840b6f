import type { IncomingMessage } from "node:http";

/** A request's body, or why there is none. */
export type Body =
  | { readonly result: "read"; readonly text: string }
  /** It is longer than one may be; the rest is not read. */
  | { readonly result: "too-long" }
  /** Too much is being read at once; the rest is not read. */
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

/** Reads bodies within limits, so that a flood of them cannot take all memory. */
export const createBodyReader = ({ bytesMax, bytesMaxTogether }: BodyLimits) => {
  let bytesTogether = 0;
  return (request: IncomingMessage): Promise<Body> =>
    new Promise((resolve) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const settle = (body: Body): void => {
        request.removeAllListeners("data");
        bytesTogether -= bytes;
        bytes = 0;
        resolve(body);
      };
      const refuse = (result: "too-long" | "busy"): void => {
        request.pause();
        settle({ result });
      };
      if (Number(request.headers["content-length"] ?? 0) > bytesMax) return refuse("too-long");
      request.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        bytesTogether += chunk.length;
        if (bytes > bytesMax) return refuse("too-long");
        if (bytesTogether > bytesMaxTogether) return refuse("busy");
        chunks.push(chunk);
      });
      request.once("end", () => settle({ result: "read", text: Buffer.concat(chunks).toString("utf8") }));
      request.once("close", () => settle({ result: "broken" }));
      request.once("error", () => settle({ result: "broken" }));
    });
};
