import { DecodeError } from '@allium/common/bytes/errors.ts';
import { decodeBody } from '../i2np/body.ts';
import { I2NP_TYPE, type I2npMessage } from '../i2np/message.ts';
import type { Delivered } from './endpoint.ts';
import { TUNNEL_MESSAGE_SIZE } from './hop-crypto.ts';
import type { OneTimeKeys } from './one-time-reply.ts';
import type { InboundTunnel } from './tunnel.ts';
import type { TunnelCounters } from './tunnel-counters.ts';
import { decodeTunnelled, EXPIRY_TOLERANCE } from './tunnelled.ts';

/** Types that only sessions carry: inside a tunnel they could only be an attempt to make us act for somebody. */
const SESSION_ONLY: ReadonlySet<number> = new Set([
  I2NP_TYPE.tunnelData,
  I2NP_TYPE.tunnelGateway,
  I2NP_TYPE.tunnelBuild,
  I2NP_TYPE.tunnelBuildReply,
  I2NP_TYPE.variableTunnelBuild,
  I2NP_TYPE.variableTunnelBuildReply,
  I2NP_TYPE.shortTunnelBuild,
]);

/** What one tunnel message completed. */
export interface Received {
  /** for others in this router */
  readonly received: I2npMessage[];
  /** to our outbound builds; `sealed`: under the key that only the build's endpoint knows */
  readonly replies: { readonly reply: I2npMessage; readonly sealed: boolean }[];
  /** message IDs of DeliveryStatus under a key of ours: our tests */
  readonly statuses: number[];
}

/** The end of our inbound tunnels: peels all layers, puts messages together, and keeps what is the tunnels' own. */
export class InboundReader {
  readonly #counters: TunnelCounters;
  readonly #oneTimeKeys: OneTimeKeys;
  /** every message is decrypted here; what leaves is copied out by the endpoint */
  readonly #scratch = Buffer.alloc(TUNNEL_MESSAGE_SIZE);

  constructor(counters: TunnelCounters, oneTimeKeys: OneTimeKeys) {
    this.#counters = counters;
    this.#oneTimeKeys = oneTimeKeys;
  }

  /** `payload` is 1028 bytes and stays as it is. */
  read(tunnel: InboundTunnel, payload: Uint8Array, now: number): Received {
    const out: Received = { received: [], replies: [], statuses: [] };
    this.#scratch.set(payload);
    for (const layer of tunnel.layers) layer(this.#scratch);
    try {
      for (const whole of tunnel.endpoint.accept(this.#scratch, now)) this.#sort(whole, out, now);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#counters.add('garbledMessages');
    }
    return out;
  }

  #sort({ delivery, bytes }: Delivered, out: Received, now: number): void {
    const message = decodeTunnelled(bytes);
    // Passing it on would let a stranger make us send something: only what is for us may come this way.
    if (delivery.kind !== 'local' || SESSION_ONLY.has(message.type)) this.#counters.add('refusedMessages');
    else if (message.expires < now - EXPIRY_TOLERANCE) this.#counters.add('expiredMessages');
    else if (message.type === I2NP_TYPE.outboundTunnelBuildReply) {
      out.replies.push({ reply: message, sealed: false });
    } else {
      const own = this.#oneTimeKeys.open(message);
      if (own) for (const inner of own) sortOwn(inner, out);
      else out.received.push(message);
    }
  }
}

function sortOwn(message: I2npMessage, out: Received): void {
  if (message.type === I2NP_TYPE.outboundTunnelBuildReply) out.replies.push({ reply: message, sealed: true });
  if (message.type !== I2NP_TYPE.deliveryStatus) return;
  const body = decodeBody(message);
  if (body.kind === 'deliveryStatus') out.statuses.push(body.messageId);
}
