import type { RandomBytes } from '@allium/common/core/random.ts';
import { expiration } from '../i2np/expiration.ts';
import { I2NP_TYPE, type I2npMessage } from '../i2np/message.ts';
import type { RouterHash } from '../wire/hash.ts';
import { TunnelGateway } from './gateway.ts';
import { IV_OFFSET, type Layer } from './hop-crypto.ts';
import type { Delivery } from './tunnel-io.ts';

/** A begun tunnel message waits so long for company, milliseconds. The first after a pause does not wait. */
export const FLUSH_DELAY = 3;
/** Expiration of what we send, milliseconds from now: longer than others use, as Tor adds seconds. */
export const MESSAGE_LIFETIME = 30_000;

/** The entrance of a tunnel: packs, encrypts, and addresses the first hop. */
export class TunnelSender {
  readonly router: RouterHash;
  readonly tunnelId: number;
  readonly #gateway: TunnelGateway;
  readonly #layers: readonly Layer[];
  readonly #random: RandomBytes;
  #lastFlush = Number.NEGATIVE_INFINITY;
  #flushAt: number | undefined;
  #sent = 0;

  /** `layers` in the order in which they are applied; `router` and `tunnelId` are where the messages go first. */
  constructor(router: RouterHash, tunnelId: number, layers: readonly Layer[], random: RandomBytes) {
    this.router = router;
    this.tunnelId = tunnelId;
    this.#layers = layers;
    this.#random = random;
    this.#gateway = new TunnelGateway(random);
  }

  /** when `flush` wants to be called, milliseconds; undefined when nothing waits */
  get flushAt(): number | undefined {
    return this.#flushAt;
  }

  /** tunnel messages sent */
  get sent(): number {
    return this.#sent;
  }

  /** `bytes` is a message with the 16-byte header. undefined: too large for a tunnel. */
  send(delivery: Delivery, bytes: Uint8Array, messageId: number, now: number): I2npMessage[] | undefined {
    if (!this.#gateway.push(delivery, bytes, messageId)) return undefined;
    if (now - this.#lastFlush >= FLUSH_DELAY || now < this.#lastFlush) return this.flush(now);
    const full = this.#seal(this.#gateway.takeFull(), now);
    this.#flushAt = this.#gateway.pending ? this.#lastFlush + FLUSH_DELAY : undefined;
    return full;
  }

  /** TunnelData messages for `router`. */
  flush(now: number): I2npMessage[] {
    this.#lastFlush = now;
    this.#flushAt = undefined;
    return this.#seal(this.#gateway.flush(), now);
  }

  #seal(messages: readonly Buffer[], now: number): I2npMessage[] {
    this.#sent += messages.length;
    if (messages.length === 0) return [];
    const expires = expiration(now, MESSAGE_LIFETIME, this.#random);
    return messages.map((payload) => {
      payload.writeUInt32BE(this.tunnelId, 0);
      for (const layer of this.#layers) layer(payload);
      return tunnelData(payload, expires);
    });
  }
}

/** The encrypted IV is as good as random, so its first bytes serve as the message ID. */
export function tunnelData(payload: Buffer, expires: number): I2npMessage {
  return { type: I2NP_TYPE.tunnelData, id: payload.readUInt32BE(IV_OFFSET) || 1, expires, payload };
}
