import { createGunzip, type Gunzip } from 'node:zlib';
import { bodyEnd, encodeBody } from '../http/encode.ts';
import type { BodyWay } from './body-pump.ts';
import type { Taker } from './wire.ts';

/** Carries one body from one wire to another and takes gzip off it on the way, as fast as the other takes it. */
export class UnpackPump implements Taker {
  readonly #way: BodyWay;
  readonly #gunzip: Gunzip = createGunzip();
  #ended = false;

  /** @param head goes in front of the body */
  constructor(way: BodyWay, head: string) {
    this.#way = way;
    way.to.write(head);
  }

  start(): void {
    const { from, to, decoder, coding } = this.#way;
    const gunzip = this.#gunzip;
    gunzip.on('data', (bytes: Buffer) => {
      if (to.write('', encodeBody([bytes], coding))) return;
      gunzip.pause();
      to.onDrain = () => void gunzip.resume();
    });
    gunzip.on('drain', () => from.resume());
    gunzip.on('error', () => this.#end('fault'));
    gunzip.on('end', () => {
      const end = bodyEnd(coding);
      to.write('', end === undefined ? [] : [end]);
      this.#end('whole');
    });
    if (decoder.result === 'whole') gunzip.end();
    else from.attach(this);
  }

  take(chunk: Buffer): Buffer | undefined {
    const { from, decoder } = this.#way;
    const parts: Buffer[] = [];
    const used = decoder.push(chunk, parts);
    let room = true;
    for (const part of parts) room = this.#gunzip.write(part);
    if (decoder.result === undefined) {
      if (!room) from.pause();
      return undefined;
    }
    if (decoder.result === 'whole') this.#gunzip.end();
    else this.#end('fault');
    return chunk.subarray(used);
  }

  end(clean: boolean): void {
    if (clean && this.#way.decoder.end()) this.#gunzip.end();
    else this.#end('cut');
  }

  #end(result: Parameters<BodyWay['ended']>[0]): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#gunzip.destroy();
    this.#way.ended(result);
  }
}
