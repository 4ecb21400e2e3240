import type { Share } from '@allium/common/core/shared-limit.ts';
import type { DestHash } from '../wire/hash.ts';
import type { Signer } from '../wire/identity.ts';
import type { Ensemble } from './ensemble.ts';
import type { PathSeed } from './paths.ts';
import type { PeerKey } from './signing.ts';
import type { StreamId } from './types.ts';

export interface ConnectionOptions {
  readonly id: StreamId;
  readonly remote: DestHash;
  readonly localPort: number;
  readonly remotePort: number;
  readonly signer: Signer;
  /** bytes received that nobody has consumed, and bytes written that the peer has not acknowledged */
  readonly received: Share;
  readonly sent: Share;
  readonly seed?: PathSeed | undefined;
  readonly ensemble: Ensemble;
  readonly now: number;
  /** for an incoming stream: from its SYN */
  readonly peer?:
    | { readonly key: PeerKey; readonly streamId: number; readonly maxPayload: number }
    | undefined;
  /** for an outgoing stream: 32-byte hash of `remote`, for replay protection */
  readonly target?: Uint8Array | undefined;
}
