import { expectLength } from './length.ts';

/** Bytes of a SipHash key: k0 then k1, both little-endian. */
export const SIPHASH_KEY_LENGTH = 16;

/**
 * SipHash-2-4 of the paper; 8 bytes, little-endian. Written by hand because neither Node nor noble has it,
 * on 32-bit halves because BigInt would be a hundred times slower.
 */
export function sipHash24(key: Uint8Array, message: Uint8Array): Uint8Array {
  expectLength(key, SIPHASH_KEY_LENGTH, 'SipHash key');
  const keyView = viewOf(key);
  const state = startState(
    keyView.readInt32LE(0),
    keyView.readInt32LE(4),
    keyView.readInt32LE(8),
    keyView.readInt32LE(12),
  );
  const view = viewOf(message);
  const whole = message.length & ~7;
  for (let at = 0; at < whole; at += 8) compress(state, view.readInt32LE(at), view.readInt32LE(at + 4));
  const last = Buffer.alloc(8);
  last.set(message.subarray(whole));
  last[7] = message.length & 0xff;
  compress(state, last.readInt32LE(0), last.readInt32LE(4));
  finish(state);
  const out = Buffer.allocUnsafe(8);
  out.writeInt32LE(resultLow(state), 0);
  out.writeInt32LE(resultHigh(state), 4);
  return out;
}

/**
 * The running masks of NTCP2 frame lengths: each is SipHash-2-4 of the previous 8-byte result.
 * The mask is the low 16 bits, that is the first two bytes little-endian.
 */
export class LengthMask {
  readonly #k0Low: number;
  readonly #k0High: number;
  readonly #k1Low: number;
  readonly #k1High: number;
  #ivLow: number;
  #ivHigh: number;

  /** `key` is 16 bytes, `iv` 8 bytes, both as derived in the data phase of NTCP2. */
  constructor(key: Uint8Array, iv: Uint8Array) {
    expectLength(key, SIPHASH_KEY_LENGTH, 'SipHash key');
    expectLength(iv, 8, 'SipHash IV');
    const keyView = viewOf(key);
    const ivView = viewOf(iv);
    this.#k0Low = keyView.readInt32LE(0);
    this.#k0High = keyView.readInt32LE(4);
    this.#k1Low = keyView.readInt32LE(8);
    this.#k1High = keyView.readInt32LE(12);
    this.#ivLow = ivView.readInt32LE(0);
    this.#ivHigh = ivView.readInt32LE(4);
  }

  /** The next mask, 0 to 65535. */
  next(): number {
    const state = startState(this.#k0Low, this.#k0High, this.#k1Low, this.#k1High);
    compress(state, this.#ivLow, this.#ivHigh);
    compress(state, 0, 8 << 24);
    finish(state);
    this.#ivLow = resultLow(state);
    this.#ivHigh = resultHigh(state);
    return this.#ivLow & 0xffff;
  }
}

/** v0 to v3 as signed 32-bit halves, low half first. */
interface State {
  v0l: number;
  v0h: number;
  v1l: number;
  v1h: number;
  v2l: number;
  v2h: number;
  v3l: number;
  v3h: number;
}

/** The four constants spell "somepseudorandomlygeneratedbytes". */
function startState(k0l: number, k0h: number, k1l: number, k1h: number): State {
  return {
    v0l: k0l ^ 0x70736575,
    v0h: k0h ^ 0x736f6d65,
    v1l: k1l ^ 0x6e646f6d,
    v1h: k1h ^ 0x646f7261,
    v2l: k0l ^ 0x6e657261,
    v2h: k0h ^ 0x6c796765,
    v3l: k1l ^ 0x79746573,
    v3h: k1h ^ 0x74656462,
  };
}

function compress(s: State, low: number, high: number): void {
  s.v3l ^= low;
  s.v3h ^= high;
  round(s);
  round(s);
  s.v0l ^= low;
  s.v0h ^= high;
}

function finish(s: State): void {
  s.v2l ^= 0xff;
  round(s);
  round(s);
  round(s);
  round(s);
}

function resultLow(s: State): number {
  return s.v0l ^ s.v1l ^ s.v2l ^ s.v3l;
}

function resultHigh(s: State): number {
  return s.v0h ^ s.v1h ^ s.v2h ^ s.v3h;
}

/** One SipRound. `carry` is what an addition of low halves hands to the high ones. */
function round(s: State): void {
  let { v0l, v0h, v1l, v1h, v2l, v2h, v3l, v3h } = s;
  let t = 0;
  // v0 += v1; v1 <<<= 13; v1 ^= v0; v0 <<<= 32
  t = (v0l + v1l) | 0;
  v0h = (v0h + v1h + carry(t, v1l)) | 0;
  v0l = t;
  t = (v1l << 13) | (v1h >>> 19);
  v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
  v1l = t ^ v0l;
  t = v0l;
  v0l = v0h;
  v0h = t;
  // v2 += v3; v3 <<<= 16; v3 ^= v2
  t = (v2l + v3l) | 0;
  v2h = (v2h + v3h + carry(t, v3l)) | 0;
  v2l = t;
  t = (v3l << 16) | (v3h >>> 16);
  v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
  v3l = t ^ v2l;
  // v0 += v3; v3 <<<= 21; v3 ^= v0
  t = (v0l + v3l) | 0;
  v0h = (v0h + v3h + carry(t, v3l)) | 0;
  v0l = t;
  t = (v3l << 21) | (v3h >>> 11);
  v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
  v3l = t ^ v0l;
  // v2 += v1; v1 <<<= 17; v1 ^= v2; v2 <<<= 32
  t = (v2l + v1l) | 0;
  v2h = (v2h + v1h + carry(t, v1l)) | 0;
  v2l = t;
  t = (v1l << 17) | (v1h >>> 15);
  v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
  v1l = t ^ v2l;
  s.v0l = v0l;
  s.v0h = v0h;
  s.v1l = v1l;
  s.v1h = v1h;
  s.v2l = v2h;
  s.v2h = v2l;
  s.v3l = v3l;
  s.v3h = v3h;
}

function carry(sum: number, addend: number): number {
  return sum >>> 0 < addend >>> 0 ? 1 : 0;
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
