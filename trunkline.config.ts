import type { Configuration } from "./stacks/configuration.ts";

/**
 * What is deployed where: one stage per AWS account and Region, with the clusters that it serves.
 *
 * A stage's name is the one that `sst deploy --stage <name>` takes. `stacks/settings.ts` says what each field means.
 */
export const configuration: Configuration = {
  stages: {
    test: {
      region: "us-west-2",
      epoch: "1",
      clusters: [
        { cluster: "blue" },
        {
          cluster: "green.example.com",
          securityGroups: ["sg-0123456789abcdef0"],
          subnets: ["subnet-0123456789abcdef0"],
          enisMax: 500,
        },
      ],
    },
  },
};
