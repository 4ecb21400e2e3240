import type { StreamId, StreamInput, StreamOutput } from '../streaming/types.ts';
import type { PoolId } from '../tunnel/pool-id.ts';
import type { DestHash, RouterHash } from '../wire/hash.ts';
import type { Identity } from '../wire/identity.ts';
import type { LeaseSet2, LeaseSetContent } from '../wire/lease-set2.ts';
import type { RouterInfo } from '../wire/router-info.ts';

/** Names one TCP connection between node and host. */
export type LinkId = number;

/** Tables of the host's store that the node writes. */
export type PersistTable = 'router_info' | 'profile' | 'first_hop';

export interface Row {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Names a local Destination and its pool of tunnels; any number but 0, which is the router's own pool. */
export type DestinationId = PoolId;

/** A local Destination. */
export interface DestinationOptions {
  readonly identity: Identity;
  /** servers are published, clients are not: their LeaseSet travels with their messages */
  readonly publish: boolean;
  readonly length: number;
  readonly quantity: number;
}

/** A stream to open. `awaitData`: something is written at once, and the SYN waits for it. */
export interface StreamDial {
  readonly remote: DestHash;
  /** 1 to 65535 */
  readonly port: number;
  readonly awaitData?: boolean | undefined;
}

/** What a stream's owner may say; `connect` is a method of the node, because it returns the ID. */
export type StreamCommand = Extract<
  StreamInput,
  { kind: 'listen' | 'unlisten' | 'write' | 'end' | 'reset' | 'consumed' }
>;

/** What happens to the node. Each is fed with the network time in ms. */
export type NodeInput =
  /** first of all: what the store held */
  | {
      readonly kind: 'start';
      readonly routerInfos: Iterable<Row>;
      readonly profiles: Iterable<Row>;
      readonly firstHops: Iterable<Row>;
    }
  /** RouterInfos of a reseed, already verified */
  | { readonly kind: 'reseeded'; readonly routerInfos: readonly RouterInfo[] }
  | { readonly kind: 'dialed'; readonly link: LinkId }
  /** `proxy`: Tor itself is away, `circuit`: Tor could not; the others are the peer's or its exit's */
  | {
      readonly kind: 'dialFailed';
      readonly link: LinkId;
      readonly code: 'proxy' | 'circuit' | 'refused' | 'timeout' | 'aborted';
    }
  /** a peer connected to us; only where the node listens (never behind Tor) */
  | { readonly kind: 'accepted'; readonly link: LinkId }
  | { readonly kind: 'bytes'; readonly link: LinkId; readonly bytes: Uint8Array }
  /** the socket's buffer is full, or empty again */
  | { readonly kind: 'blocked' | 'drained'; readonly link: LinkId }
  | { readonly kind: 'closed'; readonly link: LinkId }
  | {
      readonly kind: 'openDestination';
      readonly destination: DestinationId;
      readonly options: DestinationOptions;
    }
  | { readonly kind: 'closeDestination'; readonly destination: DestinationId }
  | { readonly kind: 'stream'; readonly destination: DestinationId; readonly command: StreamCommand }
  /** the owner's answer to `signLeaseSet` */
  | { readonly kind: 'leaseSetSigned'; readonly destination: DestinationId; readonly leaseSet: LeaseSet2 }
  /** the network time was moved: because the machine's clock stepped, or by what `clockSkew` said; ms, negative is back */
  | { readonly kind: 'clockMoved' | 'clockCorrected'; readonly by: number }
  /** says goodbye to every peer; nothing is fed afterwards */
  | { readonly kind: 'stop' }
  | { readonly kind: 'tick' };

/** What the host has to do, in this order: bytes must not overtake each other. */
export type NodeOutput =
  | {
      readonly kind: 'dial';
      readonly link: LinkId;
      /** IP literal */
      readonly host: string;
      readonly port: number;
      /** streams of one isolation name may share a Tor circuit */
      readonly isolation: string;
    }
  | { readonly kind: 'send'; readonly link: LinkId; readonly bytes: Uint8Array }
  /** close after what was sent, or give up dialling */
  | { readonly kind: 'hangup'; readonly link: LinkId }
  | {
      readonly kind: 'persist';
      readonly table: PersistTable;
      readonly key: string;
      readonly value: Uint8Array;
    }
  | { readonly kind: 'forget'; readonly table: PersistTable; readonly key: string }
  /** the NetDB is too small to build tunnels from; or `stranded`: nobody in it lets us in although Tor works */
  | { readonly kind: 'needReseed'; readonly known: number; readonly stranded: boolean }
  | { readonly kind: 'stream'; readonly destination: DestinationId; readonly output: StreamEvent }
  /** tunnels in both directions exist, or are gone */
  | { readonly kind: 'destinationReady'; readonly destination: DestinationId; readonly ready: boolean }
  /** an identity without signer needs a LeaseSet of this */
  | { readonly kind: 'signLeaseSet'; readonly destination: DestinationId; readonly content: LeaseSetContent }
  /** whatever streams it still had are over */
  | { readonly kind: 'destinationClosed'; readonly destination: DestinationId }
  /** a core threw `error`: our fault, to be told; the node has gone on without what brought it */
  | { readonly kind: 'fault'; readonly culprit: 'link' | 'destination' | 'core'; readonly error: unknown }
  | { readonly kind: 'wake'; readonly at: number };

/** Stream outputs that concern its owner. */
export type StreamEvent = Extract<
  StreamOutput,
  { kind: 'opened' | 'data' | 'end' | 'closed' | 'reset' | 'refused' | 'blocked' | 'writable' }
>;

/** What does not change while the node lives. */
export interface NodeConfig {
  readonly netId: number;
  readonly allowPrivateAddresses: boolean;
  readonly skipIpDiversity: boolean;
  /** peers may connect here and tunnels may run through us: simulated networks only */
  readonly listen?: { readonly host: string; readonly port: number; readonly floodfill: boolean };
  readonly exploratory: { readonly length: number; readonly quantity: number };
}

export type { DestHash, RouterHash, StreamId };
