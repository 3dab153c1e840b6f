import { KubeConfig } from "@kubernetes/client-node";
import { oneLine, StartFailure } from "./failure.ts";

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

/** Reads a kubeconfig file. @throws StartFailure when it cannot be read or names no current cluster. */
export function loadKubeConfig(path: string): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromFile(path);
  } catch (error) {
    throw new StartFailure(`--kubeconfig must name a kubeconfig that can be read: ${oneLine(error)}`);
  }
  if (!config.getCurrentCluster()?.server)
    throw new StartFailure(`the kubeconfig ${path} has no current context with a server`);
  return config;
}

/** The same cluster as the user of a token. */
export function asTokenUser(config: KubeConfig, token: string): KubeConfig {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error("the kubeconfig lost its cluster");
  const own = new KubeConfig();
  own.loadFromClusterAndUser(cluster, { name: "forwarder", token });
  return own;
}
