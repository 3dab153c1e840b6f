import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Integration tests wait for EC2's rates more than they compute: three at a time keep two cores busy.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: "unit",
          // Property tests compute for seconds, and for longer beside two others and with coverage.
          testTimeout: 30_000,
          include: [
            "packages/**/*.test.ts",
            "functions/**/*.test.ts",
            "stacks/**/*.test.ts",
            "scripts/**/*.test.ts",
            "test/*.test.ts",
            "test/bench/**/*.test.ts",
            "test/soak/**/*.test.ts",
          ],
        },
      },
      { test: { name: "contract", include: ["test/contract/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 } },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "infrastructure",
          include: ["test/infrastructure/**/*.test.ts"],
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
    ],
    coverage: {
      provider: "v8",
      include: ["packages/core/**/*.ts"],
      exclude: ["**/*.test.ts", "packages/core/testing/**"],
      reporter: ["text-summary"],
      thresholds: { lines: 100, branches: 100, functions: 100 },
    },
  },
});
