import type { RandomBytes } from '@allium/common/core/random.ts';
import type { Share } from '@allium/common/core/shared-limit.ts';
import type { KeyPair } from '../crypto/x25519.ts';
import type { GarlicClove } from '../i2np/clove.ts';
import type { DestHash } from '../wire/hash.ts';

/** What the next message to a remote is: a New Session, a reply to the remote's, or one in an existing session. */
export type Stage = 'new' | 'reply' | 'existing';

/** What does not change while an identity lives. */
export interface GarlicConfig {
  /** the key pair that our LeaseSet publishes */
  readonly keys: KeyPair;
  readonly random: RandomBytes;
  /** session tags looked out for; past it whole sessions go, unconfirmed ones first */
  readonly tags: Share;
  /** New Sessions per second that open, and how many at once; see limits.ts */
  readonly newSessionsPerSecond?: number;
  readonly newSessionsBurst?: number;
}

/** Whom a message is for. */
export interface GarlicRemote {
  /** X25519 key of the remote's LeaseSet, 32 bytes */
  readonly publicKey: Uint8Array;
  /** handed back in outputs */
  readonly hash?: DestHash;
}

export interface EncryptOptions {
  /** The caller's name for this message: reported in `acked` once the remote has proved that it arrived. */
  readonly ack?: number;
}

export type SessionKind = 'new' | 'one-time' | 'reply' | 'existing' | 'reply-key';

export type RefusedCode =
  /** no room for a tag, or for what its tag promised */
  | 'short'
  /** no tag of ours, and not a New Session for us */
  | 'unknown'
  /** a tag of ours over something that does not authenticate; the tag stays good */
  | 'authentication'
  /** authentic, but the blocks are not what the specification says */
  | 'malformed'
  /** too many attempts at new sessions; not looked at */
  | 'flood'
  /** a New Session that we had before */
  | 'replay'
  /** a New Session older than 5 or newer than 2 minutes: one of the clocks is wrong, or a late replay */
  | 'clock';

export interface Opened {
  readonly kind: 'opened';
  readonly session: SessionKind;
  /** static key of the sender, 32 bytes; undefined for one-time messages and reply keys */
  readonly from: Uint8Array | undefined;
  /** what the application called the sender, if it ever did */
  readonly hash: DestHash | undefined;
  /** views of a buffer that belongs to this result */
  readonly cloves: readonly GarlicClove[];
  /** names given to `encrypt` */
  readonly acked: readonly number[];
  /** of the reply key */
  readonly query: number | undefined;
}

/** Always the sender's fault, or the network's. */
export interface Refused {
  readonly kind: 'refused';
  readonly code: RefusedCode;
}

/** A message of our own making that has to reach `remote`: an answer, or keys. */
export interface GarlicOutput {
  readonly kind: 'reply';
  readonly remote: { readonly publicKey: Uint8Array; readonly hash: DestHash | undefined };
  /** bytes for I2NP Garlic */
  readonly payload: Uint8Array;
}
