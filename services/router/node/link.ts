import type { Ntcp2Session } from '../ntcp2/session.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { LinkId } from './node-io.ts';

/** A session over which nothing was heard for so long (ms), and tests were lost that often, is with nobody any more. */
export const SILENT_FOR = 240_000;
export const SILENT_TESTS = 2;

/** One connection and the NTCP2 session over it. */
export class Link {
  readonly id: LinkId;
  readonly session: Ntcp2Session;
  /** undefined until an incoming session has told */
  router: RouterHash | undefined;
  up = false;
  /** ms; when the peer last spoke of itself within the session */
  toldAt = Number.NEGATIVE_INFINITY;
  /** of the address that we dialled; undefined of an incoming session */
  readonly network: string | undefined;
  #heardAt = Number.NEGATIVE_INFINITY;
  #lost = 0;

  constructor(id: LinkId, session: Ntcp2Session, router: RouterHash | undefined, network?: string) {
    this.id = id;
    this.session = session;
    this.router = router;
    this.network = network;
  }

  /** Something came, or was shown to have arrived there; `now` in ms. */
  alive(now: number): void {
    this.#heardAt = now;
    this.#lost = 0;
  }

  /** A test or a build through the peer was lost. True when there is no sign that the peer still has this session. */
  lost(now: number): boolean {
    return this.up && ++this.#lost >= SILENT_TESTS && now >= this.#heardAt + SILENT_FOR;
  }
}
