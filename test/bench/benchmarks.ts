import { admission } from "./admission.ts";
import type { Benchmark } from "./benchmark.ts";
import { reflector } from "./reflector.ts";

/** Every benchmark, in the order in which they run. A new one gets its line here. */
export const benchmarks: readonly Benchmark[] = [admission, reflector];
