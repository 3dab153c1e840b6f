import { declaredPorts, type Program } from "./program.ts";

const WELL_KNOWN = /(^|\/)(nginx|httpd|caddy)(:|@|$)/;
const HTTP_PORT = 80;

/** Listens on the ports that the manifest names, or on 80 when it is a well-known web server that names none. */
export const webServer: Program<null> = {
  name: "web-server",
  matches: (container) => declaredPorts(container).length > 0 || WELL_KNOWN.test(container.image),
  listens(container) {
    const ports = declaredPorts(container);
    return ports.length > 0 ? ports : [{ port: HTTP_PORT, protocol: "tcp" }];
  },
  start: () => null,
  step: (state) => ({ state, lines: [], next: "idle" }),
};
