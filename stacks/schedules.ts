import { reaperIntervalSeconds } from "@trunkline/runtime/names";

/** Calls the reaper every minute. A run that fails is not repeated: the next one does its work. */
export function createSchedules(reaper: sst.aws.Function): void {
  const minutes = reaperIntervalSeconds / 60;
  new sst.aws.CronV2("reaper-schedule", {
    schedule: `rate(${minutes} ${minutes === 1 ? "minute" : "minutes"})`,
    function: reaper.arn,
    retries: 0,
  });
  new aws.lambda.FunctionEventInvokeConfig("reaper-invocations", {
    functionName: reaper.name,
    maximumRetryAttempts: 0,
    maximumEventAgeInSeconds: reaperIntervalSeconds,
  });
}
