import type { I2npMessage } from '../i2np/message.ts';
import type { NetDbInput } from '../netdb/netdb-events.ts';
import type { PoolId } from '../tunnel/pool-id.ts';
import type { SendOptions, Target, TunnelInput } from '../tunnel/tunnel-io.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { NodeOutput } from './node-io.ts';

/** Ways from one part of the node to the others. Each runs the core and deals with all that it outputs. */
export interface Routes {
  emit(output: NodeOutput): void;
  netdb(input: NetDbInput, now: number): void;
  tunnel(input: TunnelInput, now: number): void;
  /** out of an outbound tunnel of `pool` */
  sendThrough(pool: PoolId, target: Target, message: I2npMessage, now: number, options?: SendOptions): void;
  /** over the session with `router`, which is opened when there is none */
  sendDirect(router: RouterHash, message: I2npMessage, now: number): void;
}

/** How a message reached the router; what it may do depends on it. */
export type Source =
  | { readonly kind: 'session'; readonly from: RouterHash }
  /** out of an inbound tunnel of this pool */
  | { readonly kind: 'tunnel'; readonly pool: PoolId }
  /** under the reply key of this query, out of a tunnel of the pool that asked it */
  | { readonly kind: 'answer'; readonly query: number; readonly pool: PoolId }
  /** inside a garlic message for this router that came over a session, or out of a tunnel of others that ends here */
  | { readonly kind: 'clove' };
