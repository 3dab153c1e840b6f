/// <reference path="./.sst/platform/config.d.ts" />

/**
 * What is deployed, once per AWS account and Region: `sst deploy --stage <name>`.
 * The stages and their clusters stand in `trunkline.config.ts`.
 */
export default $config({
  async app(input) {
    const { configuration } = await import("./trunkline.config.ts");
    const { stageSettings } = await import("./stacks/settings.ts");
    const { region } = stageSettings(configuration, input.stage);
    return {
      name: "trunkline",
      home: "aws",
      // The ledger outlives a deployment that is taken away, but for stages that are there to be tried.
      removal: input.stage === "test" ? "remove" : "retain",
      protect: input.stage !== "test",
      providers: { aws: { version: "7.20.0", region } },
    };
  },
  async run() {
    const { configuration } = await import("./trunkline.config.ts");
    const { stageSettings } = await import("./stacks/settings.ts");
    const { createTable } = await import("./stacks/table.ts");
    const { createQueues } = await import("./stacks/queues.ts");
    const { createFunctions } = await import("./stacks/functions.ts");
    const { createEventSourceMappings } = await import("./stacks/event-source-mappings.ts");
    const { createInstanceEvents } = await import("./stacks/instance-events.ts");
    const { forwarderSettings } = await import("./stacks/forwarder-settings.ts");
    const { createSchedules } = await import("./stacks/schedules.ts");

    const settings = stageSettings(configuration, $app.stage);
    const table = createTable(settings.stage);
    const queues = createQueues(settings);
    const functions = createFunctions(settings, { table, queues });
    createEventSourceMappings(functions, queues);
    createInstanceEvents(queues);
    createSchedules(functions.reaper);

    return forwarderSettings(queues);
  },
});
