import { KubeConfig } from "@kubernetes/client-node";

/**
 * How to reach the emulated cluster, as the administrator or as the user of a token.
 *
 * The emulator speaks plain HTTP on this machine, which the client allows only where no certificate is to be verified.
 */
export function emulatedCluster(server: string, token?: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: "local", server, skipTLSVerify: true },
    { name: "user", ...(token ? { token } : {}) },
  );
  return config;
}
