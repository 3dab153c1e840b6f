/** The server goes away for a while and comes back at the same port, as an API server that restarts does. */

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../ports.ts";

/** How soon a port that another program took meanwhile is tried again. */
const RETRY_MS = 100;

/** The outages of one server. */
export interface Outages {
  /** Closes every connection and refuses new ones for so many milliseconds; does nothing while an outage is on. */
  begin(durationMs: number): void;
  /** No outage any more, and the server does not come back from the present one. */
  end(): void;
}

/** Makes the outages of a server. */
export function outagesOf(server: Server, clock: Clock): Outages {
  let cancel = () => {};
  let isOver = false;
  const listen = ({ port, address }: AddressInfo) => {
    const onError = () => {
      cancel = clock.schedule(RETRY_MS, () => listen({ port, address, family: "" }));
    };
    server.once("error", onError);
    server.listen(port, address, () => server.off("error", onError));
  };
  return {
    begin: (durationMs) => {
      const at = server.address() as AddressInfo | null;
      if (at === null || isOver) return;
      server.close();
      server.closeAllConnections();
      cancel = clock.schedule(durationMs, () => listen(at));
    },
    end: () => {
      isOver = true;
      cancel();
    },
  };
}
