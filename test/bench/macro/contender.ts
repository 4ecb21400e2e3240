import type { Endpoint } from '../../network/fetching.ts';
import type { TestNetwork } from '../../network/network.ts';

export type ContenderName = 'ours' | 'i2pd';

/** Where a run happens: the same for both contenders but for the folder. */
export interface Place {
  readonly network: TestNetwork;
  /** Tor's SOCKS over TCP, near or far */
  readonly socks: Endpoint;
  /** hops and tunnels each way, of the proxy's Destination */
  readonly tunnels: { readonly length: number; readonly quantity: number };
  /** the same for the router's own tunnels */
  readonly exploratory: { readonly length: number; readonly quantity: number };
}

/** A router that has just been started, with an empty memory but for the reseed RouterInfos. */
export interface Running extends AsyncDisposable {
  /** its HTTP proxy, perhaps not listening yet */
  readonly proxy: Endpoint;
  /** of the router itself; rejects when it did not start */
  readonly pid: Promise<number>;
  /** tunnels built of those tried, in percent */
  buildSuccess(): Promise<number>;
  /** why it is of no use any more; undefined while it runs */
  problem(): Promise<string | undefined>;
}

export interface Contender {
  readonly name: ContenderName;
  start(place: Place): Promise<Running>;
}
