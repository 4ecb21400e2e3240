import { concatBytes } from '@allium/common/bytes/compare.ts';
import { type HandshakeOutput, SocksHandshake } from '@allium/common/socks/handshake.ts';
import { SOCKS_COMMAND, SOCKS5_METHOD, type SocksLogin } from '@allium/common/socks/messages.ts';
import { sortName } from './sort-name.ts';

/** Milliseconds from the connection to the request in the parent's hands; both parents are on this machine. */
export const HANDSHAKE_MS = 30_000;

/** Bytes of data that a client may send before that; then it is not read until the parent is there. */
export const EARLY_MAX = 64 * 1024;

export type Parent = 'i2p' | 'tor';

export type SplitterInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** the client's side ended */
  | { readonly kind: 'ended' }
  /** the connection to the parent that `dial` asked for is up */
  | { readonly kind: 'dialled' }
  | { readonly kind: 'parent-bytes'; readonly bytes: Uint8Array }
  /** it can't be had, or ended before `relay` */
  | { readonly kind: 'parent-gone' }
  | { readonly kind: 'tick' };

export type SplitterOutput =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'send-parent'; readonly bytes: Uint8Array }
  | { readonly kind: 'wake'; readonly at: number }
  | { readonly kind: 'dial'; readonly parent: Parent }
  /** stop reading from the client until `relay` */
  | { readonly kind: 'pause' }
  /** from now on bytes pass both ways, the parent's own reply first; `early` goes to the parent */
  | { readonly kind: 'relay'; readonly early: Uint8Array }
  /** after what was sent */
  | { readonly kind: 'close'; readonly reason: CloseReason };

export type CloseReason = 'malformed' | 'slow' | 'ended' | 'no-method' | 'refused' | 'parent';

/** SOCKS 5 reply codes (RFC 1928 6). */
const FAILURE = 1;
const NOT_ALLOWED = 2;
const COMMAND = 7;
const ADDRESS_TYPE = 8;

const TOR_COMMANDS: readonly number[] = [
  SOCKS_COMMAND.connect,
  SOCKS_COMMAND.resolve,
  SOCKS_COMMAND.resolvePtr,
];

type Request = Extract<HandshakeOutput, { kind: 'request' }>;

/**
 * One client of a SOCKS door: reads its request, chooses the parent by the name, and hands the request on as it came,
 * login included, for the login is what the parents tell identities by. The parent's own reply goes back to the
 * client. Names below .i2p go to the router, all else to Tor, or nowhere when the door is for I2P only.
 */
export class Splitter {
  readonly #door: { readonly tor: boolean; readonly handshakeMs: number };
  readonly #handshake = new SocksHandshake();
  #state: 'handshake' | 'dial' | 'method' | 'login' | 'over' = 'handshake';
  #request: Request | undefined;
  /** from the client, behind its request */
  #early: Uint8Array = new Uint8Array(0);
  /** from the parent, before its reply */
  #answer: Uint8Array = new Uint8Array(0);
  #deadline = Number.POSITIVE_INFINITY;
  #paused = false;

  constructor(door: { readonly tor: boolean; readonly handshakeMs?: number }) {
    this.#door = { tor: door.tor, handshakeMs: door.handshakeMs ?? HANDSHAKE_MS };
  }

  step(input: SplitterInput, now: number): SplitterOutput[] {
    if (this.#state === 'over') return [];
    switch (input.kind) {
      case 'start':
        this.#deadline = now + this.#door.handshakeMs;
        return [{ kind: 'wake', at: this.#deadline }];
      case 'bytes':
        return this.#take(input.bytes);
      case 'ended':
        return this.#close('ended');
      case 'dialled':
        return this.#state === 'dial' ? this.#greet() : [];
      case 'parent-bytes':
        return this.#takeAnswer(input.bytes);
      case 'parent-gone':
        return this.#state === 'handshake' ? [] : this.#refuse(FAILURE, 'parent');
      case 'tick':
        return now >= this.#deadline ? this.#late() : [];
    }
  }

  #take(bytes: Uint8Array): SplitterOutput[] {
    if (this.#state === 'handshake') {
      return this.#handshake.take(bytes).flatMap((output) => this.#follow(output));
    }
    return this.#keepEarly(concatBytes(this.#early, bytes));
  }

  #follow(output: HandshakeOutput): SplitterOutput[] {
    if (output.kind === 'send') return [output];
    if (output.kind === 'request') return this.#choose(output);
    return output.fault === 'address-type' ? this.#refuse(ADDRESS_TYPE) : this.#close(output.fault);
  }

  #choose(found: Request): SplitterOutput[] {
    const { host, command } = found.request;
    const kind = host === undefined ? 'other' : sortName(host);
    if (kind === 'invalid') return this.#refuse(FAILURE);
    if (kind === 'other' && !this.#door.tor) return this.#refuse(NOT_ALLOWED);
    const commands = kind === 'i2p' ? [SOCKS_COMMAND.connect] : TOR_COMMANDS;
    if (!commands.includes(command)) return this.#refuse(COMMAND);
    // Some readers of SOCKS 4 take a zero address for "a name follows": that name would be one nobody looked at.
    if (this.#handshake.version === 4 && host === undefined && isZeroAddress(found.raw)) {
      return this.#refuse(FAILURE);
    }
    this.#request = found;
    this.#state = 'dial';
    return [{ kind: 'dial', parent: kind === 'i2p' ? 'i2p' : 'tor' }, ...this.#keepEarly(found.early)];
  }

  #keepEarly(early: Uint8Array): SplitterOutput[] {
    this.#early = early;
    if (early.length <= EARLY_MAX || this.#paused) return [];
    this.#paused = true;
    return [{ kind: 'pause' }];
  }

  #greet(): SplitterOutput[] {
    if (this.#handshake.version === 4) return this.#relay();
    this.#state = 'method';
    return [{ kind: 'send-parent', bytes: Buffer.of(5, 1, this.#method()) }];
  }

  #method(): number {
    return this.#request?.login === undefined ? SOCKS5_METHOD.none : SOCKS5_METHOD.password;
  }

  /** Both answers that a parent gives before its reply have two bytes, and it says nothing it was not asked for. */
  #takeAnswer(bytes: Uint8Array): SplitterOutput[] {
    const answer = concatBytes(this.#answer, bytes);
    this.#answer = answer;
    if (answer.length < 2) return [];
    this.#answer = new Uint8Array(0);
    const wanted = this.#state === 'method' ? [5, this.#method()] : [1, 0];
    const right = answer.length === 2 && answer[0] === wanted[0] && answer[1] === wanted[1];
    if (!right || (this.#state !== 'method' && this.#state !== 'login')) {
      return this.#refuse(FAILURE, 'parent');
    }
    const login = this.#request?.login;
    if (this.#state === 'login' || login === undefined) return this.#relay();
    this.#state = 'login';
    return [{ kind: 'send-parent', bytes: loginMessage(login) }];
  }

  #relay(): SplitterOutput[] {
    const [request, early] = [this.#request, this.#early];
    this.#over();
    if (request === undefined) return [{ kind: 'close', reason: 'parent' }];
    return [
      { kind: 'send-parent', bytes: request.raw },
      { kind: 'relay', early },
    ];
  }

  #late(): SplitterOutput[] {
    return this.#state === 'handshake' ? this.#close('slow') : this.#refuse(FAILURE, 'parent');
  }

  #refuse(code: number, reason: CloseReason = 'refused'): SplitterOutput[] {
    const bytes = this.#handshake.reply(code);
    return [{ kind: 'send', bytes }, ...this.#close(reason)];
  }

  #close(reason: CloseReason): SplitterOutput[] {
    this.#over();
    return [{ kind: 'close', reason }];
  }

  #over(): void {
    this.#state = 'over';
    this.#request = undefined;
    this.#early = new Uint8Array(0);
  }
}

function loginMessage({ user, password }: SocksLogin): Uint8Array {
  return concatBytes(Buffer.of(1, user.length), user, Buffer.of(password.length), password);
}

/** In a SOCKS 4 request the address is bytes 4 to 7. */
function isZeroAddress(raw: Uint8Array): boolean {
  return raw.subarray(4, 8).every((byte) => byte === 0);
}
