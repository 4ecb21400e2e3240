import {
  type CompareAnswer,
  compareRequest,
  learnRequest,
  type NameAnswer,
  resolveRequest,
} from '@allium/common/contracts/names.ts';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import { ok, post, serve } from '@allium/common/unix-json/serve.ts';
import type { AddressBook, Resolution } from '../../names/address-book.ts';
import { base32Of } from '../../names/destination-text.ts';
import type { NameChange } from '../../names/learnt-names.ts';

/** Bytes of a question: a Destination, a name, a key, and their quotes. */
const QUESTION_MAX = 5_120;
/** ms that a connection waits for its next question: every request of every workstation may be one. */
const KEEP_ALIVE_MS = 60_000;
const CONNECTIONS = 32;

export interface NamesServerOptions {
  readonly book: AddressBook;
  /** ms since 1970 */
  readonly now: () => number;
  readonly persist: (changes: readonly NameChange[]) => void;
}

/** Starts the server of contracts/names.ts. Nothing of it logs. Throws `ListenError`. */
export function startNamesServer(
  address: ListenAddress,
  { book, now, persist }: NamesServerOptions,
): Promise<{ readonly stop: Stop }> {
  const bounds = { bytes: QUESTION_MAX };
  const routes = {
    'POST /resolve': post(resolveRequest, ({ key, name }) => ok(answerOf(book.resolve(key, name))), bounds),
    'POST /compare': post(
      compareRequest,
      ({ key, name, destination }) => ok(book.compare(key, name, destination) satisfies CompareAnswer),
      bounds,
    ),
    'POST /learn': post(
      learnRequest,
      ({ key, name, destination }) => {
        const { learnt, changes } = book.learn(key, name, destination, now());
        persist(changes);
        return ok({ learnt });
      },
      bounds,
    ),
  };
  return serve(address, routes, { connections: CONNECTIONS, keepAliveMs: KEEP_ALIVE_MS });
}

function answerOf(resolution: Resolution): NameAnswer {
  switch (resolution.kind) {
    case 'found':
      return { kind: 'found', base32: base32Of(resolution.hash) };
    case 'reserved':
      return { kind: 'reserved' };
    default:
      return resolution;
  }
}
