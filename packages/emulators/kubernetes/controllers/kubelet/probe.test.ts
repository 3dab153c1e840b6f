import { expect, test } from "vitest";
import { count, failureText, probeTarget, probeTiming, verdict } from "./probe.ts";

const container = { name: "web", image: "nginx", ports: [{ name: "http", containerPort: 8080 }] };

test("a port is found by its name", () => {
  expect(probeTarget({ httpGet: { port: "http" } }, container)).toEqual({
    kind: "http",
    port: 8080,
    path: "/",
    scheme: "http",
  });
  expect(probeTarget({ tcpSocket: { port: "9000" } }, container)).toEqual({ kind: "tcp", port: 9000 });
  expect(probeTarget({ exec: { command: ["true"] } }, container)).toEqual({ kind: "exec" });
});

test("a verdict needs its threshold in a row; until then the last one stands", () => {
  const timing = probeTiming({ failureThreshold: 2, successThreshold: 2 });
  const answers = [true, false, true, true, false, false];
  let tally = { successes: 0, failures: 0 };

  const verdicts = answers.map((answer) => {
    tally = count(tally, answer);
    return verdict(tally, timing);
  });

  expect(verdicts).toEqual([undefined, undefined, undefined, "passing", undefined, "failing"]);
});

test.each([
  [
    { httpGet: { port: 80, path: "/h" } },
    "refused",
    'Get "http://10.0.0.5:80/h": dial tcp 10.0.0.5:80: connect: connection refused',
  ],
  [{ tcpSocket: { port: 80 } }, "refused", "dial tcp 10.0.0.5:80: connect: connection refused"],
  [{ tcpSocket: { port: 80 } }, "timeout", "dial tcp 10.0.0.5:80: i/o timeout"],
] as const)("the failure of %j by %s is told as kubelet tells it", (probe, outcome, text) => {
  expect(failureText(probeTarget(probe, container), "10.0.0.5", outcome)).toBe(text);
});
