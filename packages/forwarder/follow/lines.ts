/** Takes the pieces of a stream as they come. */
export interface LineReader {
  /** False when a line is longer than allowed; then the stream cannot be read on. */
  read(piece: Buffer): boolean;
}

const lineFeed = 0x0a;

/**
 * Cuts a stream into lines, wherever its pieces begin and end: bytes become text only when their line is whole, so that a
 * character may lie on two pieces. What follows the last line feed is never told: it may be half a line.
 *
 * @param lineBytesMax the most that is kept of a line that has not ended.
 */
export const createLineReader = (lineBytesMax: number, onLine: (line: string) => void): LineReader => {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  return {
    read: (piece) => {
      let from = 0;
      for (let to = piece.indexOf(lineFeed); to !== -1; to = piece.indexOf(lineFeed, from)) {
        const end = piece.subarray(from, to);
        const line = begun.length === 0 ? end : Buffer.concat([...begun, end]);
        begun = [];
        begunBytes = 0;
        from = to + 1;
        if (line.length > lineBytesMax) return false;
        if (line.length > 0) onLine(line.toString("utf8"));
      }
      if (from < piece.length) begun.push(piece.subarray(from));
      begunBytes += piece.length - from;
      return begunBytes <= lineBytesMax;
    },
  };
};
