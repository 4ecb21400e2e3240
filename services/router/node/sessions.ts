import { exhaustive } from '@allium/common/core/exhaustive.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import type { I2npMessage } from '../i2np/message.ts';
import { ReplayCache } from '../ntcp2/replay-cache.ts';
import { Ntcp2Session } from '../ntcp2/session.ts';
import { TERMINATION } from '../ntcp2/termination.ts';
import type { Close, Ntcp2Config, Input as SessionInput, Output as SessionOutput } from '../ntcp2/types.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { Ntcp2Address } from '../wire/router-caps.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import { networkOfHost } from '../wire/router-networks.ts';
import { blame } from './fault.ts';
import { Link } from './link.ts';
import type { LinkId, NodeInput, NodeOutput } from './node-io.ts';
import type { SessionEvent } from './session-events.ts';

/** Sessions and dials at once; a client router holds 20 to 40, each costs Tor a stream. */
export const MAX_LINKS = 128;
/** Between two RouterInfos of a peer (ms), which tells us of a new address now and then; each costs a signature. */
const ROUTER_INFO_SPACING = 60_000;

/** What a session that is discarded is said to have ended by. */
const OUR_FAULT: Close = { stage: 'data', code: 'local', peerFault: false };

type LinkInput = Extract<
  NodeInput,
  { kind: 'dialed' | 'dialFailed' | 'accepted' | 'bytes' | 'blocked' | 'drained' | 'closed' }
>;

export interface SessionsParts {
  readonly ntcp2: Omit<Ntcp2Config, 'keepAlive'>;
  /** how to reach a router now; undefined when it cannot be dialled */
  readonly dialOf: (router: RouterHash) => { address: Ntcp2Address; isolation: string } | undefined;
  /** a name that no connection of the host ever had */
  readonly nextLink: () => LinkId;
  readonly emit: (output: Extract<NodeOutput, { kind: 'dial' | 'send' | 'hangup' }>) => void;
  /** whether inbound tunnels or the wish to stay connected need this peer's session */
  readonly keepAlive: (router: RouterHash) => boolean;
}

/** NTCP2 sessions by router: dials on demand, keeps one session for sending, names why one ended. */
export class Sessions {
  readonly counters = new Counters();
  readonly #parts: SessionsParts;
  readonly #replays = new ReplayCache();
  readonly #links = new Map<LinkId, Link>();
  readonly #byRouter = new Map<RouterHash, Link>();
  #heardAt = Number.NEGATIVE_INFINITY;

  /** ms; when a peer with a session was last heard */
  get heardAt(): number {
    return this.#heardAt;
  }

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#links.size;
  }

  isUp(router: RouterHash): boolean {
    return this.#byRouter.get(router)?.up ?? false;
  }

  has(router: RouterHash): boolean {
    return this.#byRouter.has(router);
  }

  /** Routers whose session is being opened. */
  dialing(): RouterHash[] {
    return [...this.#byRouter.values()].flatMap(({ router, up }) =>
      !up && router !== undefined ? [router] : [],
    );
  }

  /** Routers with a live session. */
  connected(): RouterHash[] {
    return [...this.#byRouter.values()].flatMap(({ router, up }) =>
      up && router !== undefined ? [router] : [],
    );
  }

  /** Sends over the session, or opens one; the session keeps the message until then. */
  send(router: RouterHash, message: I2npMessage, now: number): SessionEvent[] {
    const link = this.#byRouter.get(router);
    if (link) return this.#feed(link, { kind: 'send', message }, now);
    const events = this.dial(router, now);
    const opened = this.#byRouter.get(router);
    return opened ? [...events, ...this.#feed(opened, { kind: 'send', message }, now)] : events;
  }

  /** Opens a session; nothing if there is one. */
  dial(router: RouterHash, now: number): SessionEvent[] {
    if (this.#byRouter.has(router)) return [];
    if (this.#links.size >= MAX_LINKS) return [{ kind: 'down', router, failure: { stage: 'limit' } }];
    const dial = this.#parts.dialOf(router);
    if (!dial) return [{ kind: 'down', router, failure: { stage: 'address' } }];
    const id = this.#parts.nextLink();
    const { host, port, staticKey, iv } = dial.address;
    const config = { ...this.#parts.ntcp2, keepAlive: () => this.#parts.keepAlive(router) };
    const session = Ntcp2Session.initiator(config, { hash: router, staticKey, iv });
    const link = new Link(id, session, router, networkOfHost(host));
    this.#links.set(id, link);
    this.#byRouter.set(router, link);
    this.counters.add('dial');
    this.#parts.emit({ kind: 'dial', link: id, host, port, isolation: dial.isolation });
    return this.#feed(link, { kind: 'tick' }, now);
  }

  step(input: LinkInput, now: number): SessionEvent[] {
    if (input.kind === 'accepted') return this.#accept(input.link, now);
    const link = this.#links.get(input.link);
    if (!link) return [];
    switch (input.kind) {
      case 'dialed':
        return this.#feed(link, { kind: 'connected' }, now);
      case 'dialFailed':
        this.counters.add(`dial-${input.code}`);
        // whoever has dialled us meanwhile is still there
        return this.#remove(link) && link.router !== undefined
          ? [{ kind: 'down', router: link.router, failure: { stage: 'dial', code: input.code } }]
          : [];
      case 'bytes':
        if (link.up) this.#heardAt = now;
        link.alive(now);
        return this.#feed(link, { kind: 'bytes', bytes: input.bytes }, now);
      case 'blocked':
      case 'drained':
      case 'closed':
        return this.#feed(link, { kind: input.kind }, now);
      default:
        return exhaustive(input);
    }
  }

  tick(id: LinkId, now: number): SessionEvent[] {
    const link = this.#links.get(id);
    return link ? this.#feed(link, { kind: 'tick' }, now) : [];
  }

  /** Hangs up without another word to the session: it threw, or what it brought made us throw. */
  discard(id: LinkId): SessionEvent[] {
    const link = this.#links.get(id);
    if (!link) return [];
    this.counters.add('closed-fault');
    this.#parts.emit({ kind: 'hangup', link: id });
    const wasLast = this.#remove(link);
    const failure = { stage: 'session', close: OUR_FAULT, established: link.up } as const;
    return wasLast && link.router !== undefined ? [{ kind: 'down', router: link.router, failure }] : [];
  }

  /** A test that passed this peer came back. */
  testPassed(router: RouterHash, now: number): void {
    this.#byRouter.get(router)?.alive(now);
  }

  /** A test or a build that passed this peer was lost. Its session may be with nobody: TCP takes long to see that. */
  testLost(router: RouterHash, now: number): SessionEvent[] {
    const link = this.#byRouter.get(router);
    if (!link?.lost(now)) return [];
    this.counters.add('closed-silent');
    return this.#feed(link, { kind: 'terminate', reason: TERMINATION.idle }, now);
  }

  links(): LinkId[] {
    return [...this.#links.keys()];
  }

  /** The link of a router's session. */
  linkOf(router: RouterHash): LinkId | undefined {
    return this.#byRouter.get(router)?.id;
  }

  /** Ends what is being opened: its timers run by a clock that was moved. */
  giveUpDialing(now: number): SessionEvent[] {
    const opening = [...this.#links.values()].filter(({ up }) => !up);
    return opening.flatMap((link) =>
      this.#feed(link, { kind: 'terminate', reason: TERMINATION.normal }, now),
    );
  }

  /** Ends every session politely. */
  terminate(now: number): SessionEvent[] {
    return [...this.#links.values()].flatMap((link) =>
      this.#feed(link, { kind: 'terminate', reason: TERMINATION.routerShutdown }, now),
    );
  }

  #accept(id: LinkId, now: number): SessionEvent[] {
    if (this.#links.size >= MAX_LINKS) {
      this.#parts.emit({ kind: 'hangup', link: id });
      return [];
    }
    const keepAlive = (): boolean => link.router !== undefined && this.#parts.keepAlive(link.router);
    const config = { ...this.#parts.ntcp2, keepAlive };
    const session = Ntcp2Session.responder(config, { replays: this.#replays });
    const link: Link = new Link(id, session, undefined);
    this.#links.set(id, link);
    return this.#feed(link, { kind: 'connected' }, now);
  }

  #feed(link: Link, input: SessionInput, now: number): SessionEvent[] {
    const events: SessionEvent[] = [];
    const outputs = blame({ kind: 'link', link: link.id }, () => link.session.step(input, now));
    for (const output of outputs) this.#translate(link, output, now, events);
    return events;
  }

  #translate(link: Link, output: SessionOutput, now: number, events: SessionEvent[]): void {
    const { id, router } = link;
    switch (output.kind) {
      case 'send':
        this.#parts.emit({ kind: 'send', link: id, bytes: output.bytes });
        return;
      case 'wake':
        events.push({ kind: 'wake', link: id, at: output.at });
        return;
      case 'established':
        return this.#established(link, output, events);
      case 'message':
        if (router !== undefined) events.push({ kind: 'message', from: router, message: output.message });
        return;
      case 'routerInfo':
        return this.#told(link, output.routerInfo, now, events);
      case 'skew':
        if (link.network !== undefined) events.push({ ...output, network: link.network });
        return;
      case 'dropped':
        this.counters.add(`dropped-${output.cause}`);
        return;
      case 'closed':
        return this.#closed(link, output, events);
    }
  }

  /** A peer speaks of itself only, and not all the time: who could tell us of others would choose our peers. */
  #told(link: Link, routerInfo: RouterInfo, now: number, events: SessionEvent[]): void {
    const { router } = link;
    if (router === undefined || routerInfo.hash !== router)
      return this.counters.add('router-info-of-another');
    if (now < link.toldAt + ROUTER_INFO_SPACING) return this.counters.add('router-info-too-often');
    link.toldAt = now;
    events.push({ kind: 'routerInfo', from: router, routerInfo });
  }

  #established(
    link: Link,
    output: Extract<SessionOutput, { kind: 'established' }>,
    events: SessionEvent[],
  ): void {
    const incoming = link.router === undefined;
    link.router = output.peer;
    link.up = true;
    this.counters.add(incoming ? 'accepted' : 'established');
    // who dials us again has lost what it had before
    if (incoming || !this.#byRouter.get(output.peer)?.up) this.#byRouter.set(output.peer, link);
    if (output.routerInfo) {
      events.push({ kind: 'routerInfo', from: output.peer, routerInfo: output.routerInfo });
    }
    events.push({ kind: 'up', router: output.peer, incoming });
  }

  #closed(link: Link, close: Close, events: SessionEvent[]): void {
    this.counters.add(
      `closed-${close.stage}-${close.code}${close.reason === undefined ? '' : `-${close.reason}`}`,
    );
    const wasFirst = this.#remove(link);
    this.#parts.emit({ kind: 'hangup', link: link.id });
    if (link.router === undefined || !wasFirst) return;
    const { stage, code, peerFault, reason } = close;
    const facts = { stage, code, peerFault, ...(reason === undefined ? {} : { reason }) };
    // The answer to our last handshake message may be that we are banned: that was no session.
    const refused = stage === 'accepted' && reason !== undefined && reason > TERMINATION.routerShutdown;
    const failure = { stage: 'session', close: facts, established: link.up && !refused } as const;
    events.push({ kind: 'down', router: link.router, failure });
  }

  /** True when no live session with the router is left; a dial that goes on stays its link. */
  #remove(link: Link): boolean {
    this.#links.delete(link.id);
    if (link.router === undefined || this.#byRouter.get(link.router) !== link) return false;
    this.#byRouter.delete(link.router);
    const others = [...this.#links.values()].filter(({ router }) => router === link.router);
    const next = others.find(({ up }) => up) ?? others[0];
    if (next) this.#byRouter.set(link.router, next);
    return !next?.up;
  }
}
