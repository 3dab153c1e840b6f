export { holds } from "./conditions.ts";
export { testSettings } from "./settings.ts";
