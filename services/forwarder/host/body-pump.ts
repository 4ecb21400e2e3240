import type { BodyDecoder } from '../http/body-decoder.ts';
import { type BodyCoding, bodyEnd, encodeBody } from '../http/encode.ts';
import type { Taker, Wire } from './wire.ts';

/** `cut`: the connection broke; `fault`: what came is no body. */
export type BodyResult = 'whole' | 'cut' | 'fault';

export interface BodyWay {
  readonly from: Wire;
  readonly to: Wire;
  readonly decoder: BodyDecoder;
  readonly coding: BodyCoding;
  readonly ended: (result: BodyResult) => void;
}

/** Carries one body from one wire to another, as fast as the other takes it. */
export class BodyPump implements Taker {
  readonly #way: BodyWay;
  #head: string;

  /** @param head goes in front of the body, in one write with its first bytes where these are there already */
  constructor(way: BodyWay, head = '') {
    this.#way = way;
    this.#head = head;
  }

  start(): void {
    const { from, decoder } = this.#way;
    if (decoder.result === 'whole') {
      this.#write([]);
      this.#way.ended('whole');
      return;
    }
    from.attach(this);
    if (this.#head !== '') this.#write([]);
  }

  take(chunk: Buffer): Buffer | undefined {
    const { from, to, decoder } = this.#way;
    const parts: Buffer[] = [];
    const used = decoder.push(chunk, parts);
    const room = this.#write(parts);
    if (used === chunk.length && to.flushed) from.recycle();
    if (decoder.result === undefined) {
      if (!room) this.#wait(from, to);
      return undefined;
    }
    this.#way.ended(decoder.result);
    return chunk.subarray(used);
  }

  end(clean: boolean): void {
    const whole = clean && this.#way.decoder.end();
    if (whole) this.#write([]);
    this.#way.ended(whole ? 'whole' : 'cut');
  }

  #wait(from: Wire, to: Wire): void {
    from.pause();
    to.onDrain = () => {
      to.onDrain = undefined;
      from.resume();
    };
  }

  #write(parts: Buffer[]): boolean {
    const { to, decoder, coding } = this.#way;
    const coded = encodeBody(parts, coding);
    const end = decoder.result === 'whole' ? bodyEnd(coding) : undefined;
    if (end !== undefined) coded.push(end);
    const head = this.#head;
    this.#head = '';
    return to.write(head, coded);
  }
}
