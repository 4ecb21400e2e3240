import { abort } from '@allium/common/net/abort.ts';
import { BodyDecoder } from '../http/body-decoder.ts';
import { headText } from '../http/encode.ts';
import { NO_BODY } from '../http/framing.ts';
import type { RequestFault, RequestHead } from '../http/request-head.ts';
import type { Answer } from '../pages/answer.ts';
import { BodyPump, type BodyResult } from './body-pump.ts';
import type { ClientVisit } from './client-visit.ts';
import type { Outcome, Visit } from './visit.ts';
import type { Taker, Wire } from './wire.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** One request of a client and its answer. */
export class Turn<V extends Visit = Visit> {
  readonly visit: V;
  readonly wire: Wire;
  /** the head, or why there is none */
  readonly asked: RequestHead | RequestFault;
  /** the head of the answer is written */
  answered = false;
  /** the answer's end is that of the connection */
  endsByClose = false;
  #body: 'unread' | 'under way' | BodyResult;

  constructor(visit: V, asked: RequestHead | RequestFault) {
    this.visit = visit;
    this.wire = visit.wire;
    this.asked = asked;
    this.#body = typeof asked === 'object' && asked.framing.kind === NO_BODY.kind ? 'whole' : 'unread';
  }

  /** All of the body has been read, or there is none. */
  get bodyRead(): boolean {
    return this.#body === 'whole';
  }

  /** What became of the body was not a body: the client is to be told, not the parent blamed. */
  get bodyIsBad(): boolean {
    return this.#body === 'fault';
  }

  /** Whether the client's connection may be used again, as far as the request says. */
  get keeps(): boolean {
    const { asked, visit } = this;
    if (typeof asked === 'string' || visit.terms.keepAliveMs === 0) return false;
    if (!this.bodyRead || visit.overrun() || asked.connection.includes('close')) return false;
    return asked.minor === 1 || asked.connection.includes('keep-alive');
  }

  /** Carries the body to a parent; `broken` is called when it ends too early. */
  sendBody(head: RequestHead, to: Wire, broken: () => void): void {
    if (this.#body !== 'unread') return;
    this.#body = 'under way';
    const decoder = new BodyDecoder(head.framing, true);
    const ended = (result: BodyResult): void => {
      this.#body = result;
      if (result !== 'whole') broken();
    };
    const coding = head.framing.kind === 'chunked' ? 'chunked' : 'plain';
    new BodyPump({ from: this.wire, to, decoder, coding, ended }).start();
  }

  /** The whole body as Latin-1; undefined when it has more than `max` bytes, breaks off, or takes longer than `ms`. */
  async readBody(max: number, ms: number): Promise<string | undefined> {
    if (typeof this.asked === 'string' || this.#body !== 'unread') return this.bodyRead ? '' : undefined;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#body = 'under way';
    const timer = setTimeout(() => resolve(undefined), ms);
    this.wire.attach(new TextTaker(new BodyDecoder(this.asked.framing, true), max, resolve));
    const text = await promise;
    clearTimeout(timer);
    this.#body = text === undefined ? 'cut' : 'whole';
    if (text === undefined) this.wire.detach();
    return text;
  }

  /** Tells a client that waits for it to send the body. */
  letSend(): void {
    if (!this.answered) this.wire.write(CONTINUE);
  }

  /** An answer of our own. A connection with an unread body behind it can't be used again. */
  answer(answer: Answer): Outcome {
    if (this.wire.gone || this.answered) return this.cut();
    this.answered = true;
    const { asked, visit } = this;
    if (typeof asked === 'string' || answer.close || !this.keeps) {
      this.wire.detach();
      visit.finishWith(answer, typeof asked === 'object' && asked.method === 'HEAD');
      return 'end';
    }
    const headers = [
      ...answer.headers,
      ...['Content-Length', String(answer.body.length)],
      ...visit.terms.connectionHeaders(true),
    ];
    const head = headText(`HTTP/1.1 ${answer.status} ${answer.phrase}`, headers);
    this.wire.write(head, asked.method === 'HEAD' ? [] : [Buffer.from(answer.body)]);
    return 'next';
  }

  /** The head is out, or nobody is there: only a broken connection can say that the rest is missing. */
  cut(): Outcome {
    this.visit.link.end();
    if (this.endsByClose) abort(this.wire.socket);
    else this.wire.destroy();
    return 'end';
  }
}

/** One request of a workstation. */
export type ClientTurn = Turn<ClientVisit>;

class TextTaker implements Taker {
  readonly #decoder: BodyDecoder;
  readonly #max: number;
  readonly #resolve: (text: string | undefined) => void;
  #text = '';

  constructor(decoder: BodyDecoder, max: number, resolve: (text: string | undefined) => void) {
    this.#decoder = decoder;
    this.#max = max;
    this.#resolve = resolve;
  }

  take(chunk: Buffer): Buffer | undefined {
    const parts: Buffer[] = [];
    const used = this.#decoder.push(chunk, parts);
    for (const part of parts) this.#text += part.toString('latin1');
    const { result } = this.#decoder;
    if (result === undefined && this.#text.length <= this.#max) return undefined;
    this.#resolve(result === 'whole' && this.#text.length <= this.#max ? this.#text : undefined);
    return chunk.subarray(used);
  }

  end(): void {
    this.#resolve(undefined);
  }
}
