import { connect, type Socket } from 'node:net';
import { GatewayError } from '../bytes/errors.ts';

/** ms for one answer: Tor is on this machine. */
const TIMEOUT_MS = 3_000;
/** Characters of an answer. */
const ANSWER_MAX = 16_384;
/** Characters of the last line of an answer. */
const LAST_LINE_MAX = 1_024;

export class TorControlError extends GatewayError<{ readonly code: 'silent' | 'too-long' | 'closed' }> {}

/**
 * One connection to Tor's control socket, kept, for Tor logs every new one. Who reaches the socket is authenticated by
 * that. One question at a time.
 */
export class TorControlSocket {
  readonly #path: string;
  readonly #answerMax: number;
  #socket: Socket | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** `answerMax` in characters, for whoever asks for a consensus. */
  constructor(path: string, answerMax = ANSWER_MAX) {
    this.#path = path;
    this.#answerMax = answerMax;
  }

  /**
   * The answer up to and with its last line, the one with a blank after the code. Throws `TorControlError` when there is
   * none in time; the next question opens a new connection.
   */
  ask(command: string): Promise<string> {
    const answer = this.#turn.then(async () => {
      if (this.#socket === undefined || this.#socket.destroyed) {
        this.#socket = connect(this.#path);
        // Whoever waits is told; an error between two questions shows in `destroyed`.
        this.#socket.on('error', () => undefined);
        await exchange(this.#socket, 'AUTHENTICATE', ANSWER_MAX);
      }
      return await exchange(this.#socket, command, this.#answerMax);
    });
    this.#turn = answer.catch(() => this.#socket?.destroy());
    return answer;
  }

  stop(): void {
    this.#socket?.destroy();
  }
}

async function exchange(socket: Socket, command: string, answerMax: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const fail = (code: TorControlError['code']): void => reject(new TorControlError({ code }));
  const timer = setTimeout(fail, TIMEOUT_MS, 'silent');
  let text = '';
  const onData = (part: Buffer): void => {
    text += part.toString('latin1');
    if (text.length > answerMax) fail('too-long');
    else if (/(?:^|\r\n)\d{3} [^\r\n]*\r\n$/.test(text.slice(-LAST_LINE_MAX))) resolve(text);
  };
  const onClose = (): void => fail('closed');
  socket.on('data', onData).once('close', onClose);
  socket.write(`${command}\r\n`);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.off('data', onData).off('close', onClose);
  }
}
