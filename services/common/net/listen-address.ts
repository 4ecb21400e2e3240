/** Where a local protocol listens: a Unix socket by its absolute path, or a TCP address. */
export type ListenAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** `/run/x.sock` or `host:port`, `[v6]:port`; undefined for anything else. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  if (text.startsWith('/')) return { path: text };
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

/** Undefined when it is reached by whoever is meant; else why that is doubtful. */
export function listenDoubt(address: ListenAddress): string | undefined {
  const isEvery = 'host' in address && ['0.0.0.0', '::'].includes(address.host);
  return isEvery ? `listens on every address of this machine, ${address.host}` : undefined;
}
