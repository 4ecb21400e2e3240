import type { RandomBytes } from '@allium/common/core/random.ts';
import {
  FOLLOW_ON_HEADER,
  firstHeaderSize,
  MAX_FRAGMENTS,
  MESSAGE_ID_SIZE,
  PADDING_OFFSET,
  TUNNEL_PAYLOAD_SIZE,
  writeChecksum,
  writeFirstHeader,
  writeFollowOnHeader,
} from './fragment.ts';
import { IV_OFFSET, IV_SIZE, TUNNEL_MESSAGE_SIZE } from './hop-crypto.ts';
import type { Delivery } from './tunnel-io.ts';

const FOLLOW_ON_BODY = TUNNEL_PAYLOAD_SIZE - FOLLOW_ON_HEADER;
/** A first fragment shorter than this is not worth its header. Bytes. */
const MIN_FIRST_BODY = 16;
/** IVs are drawn so many at a time: entropy by the call is dearer than by the byte. */
const IV_BATCH = 64;

/**
 * A tunnel gateway's preprocessing: I2NP messages in, tunnel messages of 1028 bytes out, not encrypted yet and with
 * tunnel ID 0. Small messages share one tunnel message, large ones are cut into fragments.
 */
export class TunnelGateway {
  readonly #random: RandomBytes;
  /** nonzero bytes that padding is copied from; it is inside the layers, so only the endpoint sees it */
  readonly #padding: Uint8Array;
  #ivs: Uint8Array = new Uint8Array(0);
  #ivAt = 0;
  readonly #full: Buffer[] = [];
  readonly #open = Buffer.alloc(TUNNEL_PAYLOAD_SIZE);
  #used = 0;

  constructor(random: RandomBytes) {
    this.#random = random;
    this.#padding = random(TUNNEL_PAYLOAD_SIZE).map((byte) => byte || 1);
  }

  /** true when a tunnel message is begun and waits for company or `flush` */
  get pending(): boolean {
    return this.#used > 0 || this.#full.length > 0;
  }

  /** `bytes` is an I2NP message with the 16-byte header. false: it needs more than 64 fragments and was not taken. */
  push(delivery: Delivery, bytes: Uint8Array, messageId: number): boolean {
    const header = firstHeaderSize(delivery);
    const room = TUNNEL_PAYLOAD_SIZE - this.#used;
    if (header + bytes.length <= room) {
      this.#writeWhole(delivery, bytes);
      return true;
    }
    const joined = countMessages(header, bytes.length, room);
    const apart = countMessages(header, bytes.length, TUNNEL_PAYLOAD_SIZE) + 1;
    // Equal: apart, because then fewer messages are lost together.
    const begin = joined >= apart;
    const fragments = begin ? apart - 1 : joined;
    if (fragments > MAX_FRAGMENTS) return false;
    if (begin) this.#close();
    if (header + bytes.length <= TUNNEL_PAYLOAD_SIZE - this.#used) this.#writeWhole(delivery, bytes);
    else this.#writeFragments(delivery, bytes, messageId);
    return true;
  }

  /** All tunnel messages so far, the last one padded. */
  flush(): Buffer[] {
    this.#close();
    return this.#full.splice(0);
  }

  /** The complete ones only. */
  takeFull(): Buffer[] {
    return this.#full.splice(0);
  }

  #writeWhole(delivery: Delivery, bytes: Uint8Array): void {
    const at = writeFirstHeader(this.#open, this.#used, delivery, bytes.length, undefined);
    this.#append(at, bytes);
  }

  #writeFragments(delivery: Delivery, bytes: Uint8Array, messageId: number): void {
    const room = TUNNEL_PAYLOAD_SIZE - this.#used - firstHeaderSize(delivery) - MESSAGE_ID_SIZE;
    this.#append(
      writeFirstHeader(this.#open, this.#used, delivery, room, messageId),
      bytes.subarray(0, room),
    );
    let sent = room;
    for (let number = 1; sent < bytes.length; number++) {
      const size = Math.min(FOLLOW_ON_BODY, bytes.length - sent);
      const last = sent + size === bytes.length;
      const at = writeFollowOnHeader(this.#open, 0, { messageId, number, last, size });
      this.#append(at, bytes.subarray(sent, sent + size));
      sent += size;
    }
  }

  #append(at: number, body: Uint8Array): void {
    this.#open.set(body, at);
    this.#used = at + body.length;
    if (this.#used === TUNNEL_PAYLOAD_SIZE) this.#close();
  }

  #close(): void {
    if (this.#used === 0) return;
    const message = Buffer.allocUnsafe(TUNNEL_MESSAGE_SIZE);
    message.writeUInt32BE(0, 0);
    message.set(this.#nextIv(), IV_OFFSET);
    const start = TUNNEL_MESSAGE_SIZE - this.#used;
    const padding = start - 1 - PADDING_OFFSET;
    message.set(this.#padding.subarray(0, padding), PADDING_OFFSET);
    message[start - 1] = 0;
    message.set(this.#open.subarray(0, this.#used), start);
    writeChecksum(message, start);
    this.#full.push(message);
    this.#used = 0;
  }

  #nextIv(): Uint8Array {
    if (this.#ivAt === this.#ivs.length) {
      this.#ivs = this.#random(IV_BATCH * IV_SIZE);
      this.#ivAt = 0;
    }
    this.#ivAt += IV_SIZE;
    return this.#ivs.subarray(this.#ivAt - IV_SIZE, this.#ivAt);
  }
}

/** Tunnel messages that a message touches when its first one has `room` bytes left; infinite when that is too little. */
function countMessages(header: number, size: number, room: number): number {
  if (header + size <= room) return 1;
  const first = room - header - MESSAGE_ID_SIZE;
  if (first < MIN_FIRST_BODY) return Number.POSITIVE_INFINITY;
  return 1 + Math.ceil((size - first) / FOLLOW_ON_BODY);
}

/** Largest I2NP message, header included, that goes through a tunnel with any delivery. Bytes. */
export const MAX_TUNNELLED_SIZE =
  TUNNEL_PAYLOAD_SIZE - 39 - MESSAGE_ID_SIZE + (MAX_FRAGMENTS - 1) * FOLLOW_ON_BODY;
