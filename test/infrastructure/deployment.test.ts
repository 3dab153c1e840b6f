import {
  batchMax,
  concurrencyMax,
  functionTimeoutSeconds,
  receivesMax,
  visibilityTimeoutSeconds,
} from "@trunkline/runtime/limits";
import { durations, functionNames, instanceEventPattern, variables } from "@trunkline/runtime/names";
import { beforeAll, describe, expect, test } from "vitest";
import { type Declared, type Deployment, evaluateDeployment } from "../support/deployment.ts";

const account = "123456789012";
const queueArn = (name: string) => `arn:aws:sqs:us-west-2:${account}:trunkline-test-${name}`;
const queueUrl = (name: string) => `https://sqs.us-west-2.amazonaws.com/${account}/trunkline-test-${name}`;

/** What each function works on, and the queues behind it, as the configuration of the stage `test` has them. */
const consumed = {
  "pod-events": ["blue-pod-events", "green-example-com-pod-events"],
  "node-events": ["blue-node-events", "green-example-com-node-events"],
  "branch-cooldown": ["branch-cooldown"],
  "instance-events": ["instance-events"],
  reaper: [],
} as const;
const workQueues = Object.values(consumed).flat();
const outcomeQueues = ["blue-outcomes", "green-example-com-outcomes"];

let deployment: Deployment;

beforeAll(async () => {
  deployment = await evaluateDeployment("test");
});

function ofType(type: string): Declared[] {
  return deployment.resources.filter((resource) => resource.type === type);
}

function only(type: string): Declared["inputs"] {
  const found = ofType(type);
  expect(found, type).toHaveLength(1);
  return (found[0] as Declared).inputs;
}

function named(type: string, name: string): Declared["inputs"] {
  const found = ofType(type).find((resource) => resource.name === name);
  expect(found, `${type} ${name}`).toBeDefined();
  return (found as Declared).inputs;
}

const functionInputs = (name: string) => named("aws:lambda/function:Function", `${name}Function`);

interface Statement {
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

function statementsOf(role: Declared): Statement[] {
  const policies = (role.inputs.inlinePolicies ?? []) as { policy: string }[];
  return policies.flatMap(({ policy }) => JSON.parse(policy).Statement as Statement[]);
}

describe("the ledger's table", () => {
  test("it is on demand, keyed by partition and sort key, swept, and can be restored to any point in time", () => {
    expect(only("aws:dynamodb/table:Table")).toMatchObject({
      name: "trunkline-test-ledger",
      billingMode: "PAY_PER_REQUEST",
      hashKey: "pk",
      rangeKey: "sk",
      attributes: [
        { name: "pk", type: "S" },
        { name: "sk", type: "S" },
      ],
      ttl: { attributeName: "expiresAt", enabled: true },
      pointInTimeRecovery: { enabled: true },
    });
  });
});

describe("the queues", () => {
  const queues = () => new Map(ofType("aws:sqs/queue:Queue").map(({ inputs }) => [String(inputs.name), inputs]));

  test("there are three per cluster and two for all, each with its dead letters, and no others", () => {
    const names = [...workQueues, ...outcomeQueues].map((name) => `trunkline-test-${name}`);

    expect([...queues().keys()].sort()).toEqual(names.flatMap((name) => [name, `${name}-dead-letters`]).sort());
  });

  test("a message that fails five times goes to the dead letters of its own queue, which keep it for two weeks", () => {
    expect(receivesMax).toBeGreaterThanOrEqual(5);
    for (const name of [...workQueues, ...outcomeQueues]) {
      const redrive = JSON.parse(String(queues().get(`trunkline-test-${name}`)?.redrivePolicy));

      expect(redrive).toEqual({ deadLetterTargetArn: queueArn(`${name}-dead-letters`), maxReceiveCount: receivesMax });
      expect(queues().get(`trunkline-test-${name}-dead-letters`)).toMatchObject({ messageRetentionSeconds: 1_209_600 });
    }
  });

  test("a received message stays invisible six times as long as its function may run", () => {
    for (const [worker, names] of Object.entries(consumed)) {
      for (const name of names) {
        const visibility = queues().get(`trunkline-test-${name}`)?.visibilityTimeoutSeconds;

        expect(visibility, name).toBeGreaterThanOrEqual(6 * Number(functionInputs(worker).timeout));
      }
    }
  });

  test("outcomes are kept for 240 seconds only", () => {
    for (const name of outcomeQueues) {
      expect(queues().get(`trunkline-test-${name}`)).toMatchObject({
        messageRetentionSeconds: 240,
        visibilityTimeoutSeconds: visibilityTimeoutSeconds.outcomes,
      });
    }
  });

  test("everything in them is encrypted", () => {
    expect([...queues().values()].filter((inputs) => inputs.sqsManagedSseEnabled !== true)).toEqual([]);
  });
});

describe("the functions", () => {
  test("there is one for each file of functions/, and SST builds exactly these", () => {
    expect(ofType("aws:lambda/function:Function").map(({ name }) => name.replace(/Function$/, ""))).toEqual(
      expect.arrayContaining([...functionNames]),
    );
    expect([...deployment.handlers].sort()).toEqual(functionNames.map((name) => `functions/${name}.handler`).sort());
  });

  test.each(functionNames)("%s runs on Node 24 and arm64 with its timeout", (name) => {
    expect(functionInputs(name)).toMatchObject({
      handler: `functions/${name}.handler`,
      runtime: "nodejs24.x",
      architectures: ["arm64"],
      timeout: functionTimeoutSeconds[name],
      loggingConfig: { logFormat: "JSON" },
    });
  });

  test.each(functionNames)("%s gets every variable that is required", (name) => {
    const { variables: environment } = functionInputs(name).environment as { variables: Record<string, string> };

    expect(environment).toMatchObject({
      [variables.deployment]: "trunkline-test",
      [variables.table]: "trunkline-test-ledger",
      [variables.epoch]: "1",
      [variables.account]: account,
      [variables.clusterQueueUrlPrefix]: queueUrl(""),
      [variables.branchCooldownQueueUrl]: queueUrl("branch-cooldown"),
      [variables.instanceEventsQueueUrl]: queueUrl("instance-events"),
    });
    expect(JSON.parse(environment[variables.clusters] ?? "")).toEqual([
      { cluster: "blue" },
      {
        cluster: "green.example.com",
        securityGroups: ["sg-0123456789abcdef0"],
        subnets: ["subnet-0123456789abcdef0"],
        enisMax: 500,
      },
    ]);
  });

  test.each(functionNames)("%s gets no variable that names.ts does not know, and less than 4 KB in all", (name) => {
    const { variables: environment } = functionInputs(name).environment as { variables: Record<string, string> };
    const known = [...Object.values(variables), ...Object.values(durations).map(({ variable }) => variable)];

    const strange = Object.keys(environment).filter((key) => !known.includes(key) && !key.startsWith("SST_"));

    expect(strange).toEqual([]);
    expect(Object.entries(environment).flat().join("").length).toBeLessThan(4_096);
  });

  test("the deadline of a step is longer than any worker that allocates may run", () => {
    const { reaper: _, ...workers } = functionTimeoutSeconds;

    expect(durations.stepDeadlineSeconds.floor).toBeGreaterThan(Math.max(...Object.values(workers)));
  });
});

describe("the event source mappings", () => {
  test("each work queue feeds its function in batches that may fail in part, and nothing else does", () => {
    const mappings = ofType("aws:lambda/eventSourceMapping:EventSourceMapping").map(({ inputs }) => inputs);
    const expected = Object.entries(consumed).flatMap(([worker, names]) =>
      names.map((name) => ({
        eventSourceArn: queueArn(name),
        functionName: `arn:aws:lambda:us-west-2:${account}:function:${functionInputs(worker).name}`,
        functionResponseTypes: ["ReportBatchItemFailures"],
        batchSize: batchMax,
        maximumBatchingWindowInSeconds: 0,
        scalingConfig: { maximumConcurrency: concurrencyMax[worker as keyof typeof concurrencyMax] },
      })),
    );

    expect(mappings).toHaveLength(expected.length);
    expect(mappings).toEqual(expect.arrayContaining(expected));
  });

  test("concurrency is within what AWS takes", () => {
    for (const concurrency of Object.values(concurrencyMax)) {
      expect(concurrency).toBeGreaterThanOrEqual(2);
      expect(concurrency).toBeLessThanOrEqual(1_000);
    }
  });
});

describe("what starts the functions beside the queues", () => {
  test("EC2's state changes, as the pattern says, go to the queue of instance events", () => {
    const rule = only("aws:cloudwatch/eventRule:EventRule");

    expect(JSON.parse(String(rule.eventPattern))).toEqual(instanceEventPattern);
    expect(only("aws:cloudwatch/eventTarget:EventTarget")).toMatchObject({ arn: queueArn("instance-events") });
  });

  test("only that rule may send to the queue of instance events", () => {
    const { queueUrl: url, policy } = only("aws:sqs/queuePolicy:QueuePolicy");

    expect(url).toBe(queueUrl("instance-events"));
    expect(JSON.parse(String(policy)).Statement).toEqual([
      {
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: queueArn("instance-events"),
        Condition: { ArnEquals: { "aws:SourceArn": expect.stringMatching(/:rule\/instance-events-rule/) } },
      },
    ]);
  });

  test("the reaper runs every minute, one at a time, and a failed run is not repeated", () => {
    const reaper = functionInputs("reaper");

    expect(only("aws:scheduler/schedule:Schedule")).toMatchObject({
      scheduleExpression: "rate(1 minute)",
      state: "ENABLED",
      target: {
        arn: `arn:aws:lambda:us-west-2:${account}:function:${reaper.name}`,
        retryPolicy: { maximumRetryAttempts: 0 },
      },
    });
    expect(reaper.reservedConcurrentExecutions).toBe(1);
    expect(only("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")).toMatchObject({
      functionName: reaper.name,
      maximumRetryAttempts: 0,
    });
  });
});

describe("what the functions may do", () => {
  const roles = () => ofType("aws:iam/role:Role");

  test("each role can be taken by one AWS service only", () => {
    expect(roles()).toHaveLength(functionNames.length + 1);
    for (const { name, inputs } of roles()) {
      const service = name.startsWith("reaper-schedule") ? "scheduler.amazonaws.com" : "lambda.amazonaws.com";
      const { assumeRolePolicy } = inputs;
      const document = typeof assumeRolePolicy === "string" ? JSON.parse(assumeRolePolicy) : assumeRolePolicy;
      const trusted = document.Statement.map((statement: { Principal: unknown }) => statement.Principal);

      expect(trusted, name).toEqual([{ Service: service }]);
    }
  });

  test("every action is named, and only EC2's may be on any resource", () => {
    const statements = roles().flatMap(statementsOf);

    expect(statements.length).toBeGreaterThan(functionNames.length);
    for (const { Action, Resource } of statements) {
      const isEc2 = Action.every((action) => action.startsWith("ec2:"));

      expect(Action.filter((action) => action.includes("*"))).toEqual([]);
      expect(isEc2 || Resource.every((resource) => !resource.includes("*")), Action.join(" ")).toBe(true);
    }
  });

  test.each(functionNames)("%s receives from its own queues only", (name) => {
    const role = roles().find((candidate) => candidate.name === `${name}Role`) as Declared;
    const received = statementsOf(role).filter(({ Action }) => Action.includes("sqs:ReceiveMessage"));

    expect(received.flatMap(({ Resource }) => Resource)).toEqual(consumed[name].map(queueArn));
  });
});

test("the URLs of each cluster's queues are printed for its forwarder", () => {
  expect(deployment.outputs["green.example.com"]).toEqual({
    podEventsQueueUrl: queueUrl("green-example-com-pod-events"),
    nodeEventsQueueUrl: queueUrl("green-example-com-node-events"),
    outcomesQueueUrl: queueUrl("green-example-com-outcomes"),
  });
});
