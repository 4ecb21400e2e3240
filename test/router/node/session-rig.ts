import type { I2npMessage } from '@allium/router/i2np/message.ts';
import type { LinkId, NodeOutput } from '@allium/router/node/node-io.ts';
import type { SessionEvent } from '@allium/router/node/session-events.ts';
import { Sessions, type SessionsParts } from '@allium/router/node/sessions.ts';
import type { RouterHash } from '@allium/router/wire/hash.ts';
import type { RouterInfo } from '@allium/router/wire/router-info.ts';
import type { RouterKeys } from '@allium/router/wire/router-keys.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { ALICE_INFO, ALICE_KEYS, BOB_INFO, BOB_KEYS, NET_ID, NOW } from '../ntcp2/support.ts';

export const ALICE = ALICE_KEYS.identity.hash;
export const BOB = BOB_KEYS.identity.hash;

type Emitted = Extract<NodeOutput, { kind: 'dial' | 'send' | 'hangup' }>;
type Step = Parameters<Sessions['step']>[0];

/** The sessions of one router, and everything they ever said. */
export class Office {
  readonly hash: RouterHash;
  readonly sessions: Sessions;
  readonly emitted: Emitted[] = [];
  readonly events: SessionEvent[] = [];
  /** bytes that nobody has carried yet */
  readonly unsent: Extract<Emitted, { kind: 'send' }>[] = [];
  /** whom `keepAlive` was asked about */
  readonly asked: RouterHash[] = [];
  keep = false;
  #lastLink = 0;

  constructor(keys: RouterKeys, info: RouterInfo, dialOf: SessionsParts['dialOf'], seed = '') {
    this.hash = keys.identity.hash;
    this.sessions = new Sessions({
      ntcp2: {
        local: keys,
        localRouterInfo: () => info,
        netId: NET_ID,
        random: recordedEntropy(`office ${this.hash}${seed}`),
      },
      dialOf,
      nextLink: () => ++this.#lastLink,
      emit: (output) => {
        this.emitted.push(output);
        if (output.kind === 'send') this.unsent.push(output);
      },
      keepAlive: (router) => {
        this.asked.push(router);
        return this.keep;
      },
    });
  }

  step(input: Step, now = NOW): SessionEvent[] {
    return this.#said(this.sessions.step(input, now));
  }

  tick(link: LinkId, now: number): SessionEvent[] {
    return this.#said(this.sessions.tick(link, now));
  }

  dial(router: RouterHash, now = NOW): SessionEvent[] {
    return this.#said(this.sessions.dial(router, now));
  }

  send(router: RouterHash, message: I2npMessage, now = NOW): SessionEvent[] {
    return this.#said(this.sessions.send(router, message, now));
  }

  terminate(now = NOW): SessionEvent[] {
    return this.#said(this.sessions.terminate(now));
  }

  testLost(router: RouterHash, now: number): SessionEvent[] {
    return this.#said(this.sessions.testLost(router, now));
  }

  giveUpDialing(now = NOW): SessionEvent[] {
    return this.#said(this.sessions.giveUpDialing(now));
  }

  of<K extends SessionEvent['kind']>(kind: K): Extract<SessionEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<SessionEvent, { kind: K }> => event.kind === kind);
  }

  out<K extends Emitted['kind']>(kind: K): Extract<Emitted, { kind: K }>[] {
    return this.emitted.filter((output): output is Extract<Emitted, { kind: K }> => output.kind === kind);
  }

  /** ids of the messages that came, in order */
  get received(): number[] {
    return this.of('message').map(({ message }) => message.id);
  }

  get failures(): object[] {
    return this.of('down').map(({ failure }) => failure);
  }

  /** When the link last asked to be ticked, ms. */
  wakeOf(link: LinkId): number {
    return this.of('wake').findLast((wake) => wake.link === link)?.at ?? Number.POSITIVE_INFINITY;
  }

  #said(events: SessionEvent[]): SessionEvent[] {
    this.events.push(...events);
    return events;
  }
}

interface Far {
  readonly office: Office;
  readonly link: LinkId;
}

/** Connections without delay between offices; a hangup reaches the other end. */
export class Wires {
  readonly #far = new Map<string, Far>();
  readonly #offices = new Set<Office>();
  readonly #hungUp = new Map<Office, number>();
  #lastAccepted = 1_000;

  /** What `from` dialled as `link` ends at `to`; returns the link there. */
  connect(from: Office, link: LinkId, to: Office, now = NOW): LinkId {
    const accepted = ++this.#lastAccepted;
    this.#far.set(`${from.hash}/${link}`, { office: to, link: accepted });
    this.#far.set(`${to.hash}/${accepted}`, { office: from, link });
    this.#offices.add(from).add(to);
    to.step({ kind: 'accepted', link: accepted }, now);
    from.step({ kind: 'dialed', link }, now);
    return accepted;
  }

  /** Carries one write; false when `from` has none. */
  carry(from: Office, now = NOW, change: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes): boolean {
    const next = from.unsent.shift();
    if (!next) return false;
    const far = this.#far.get(`${from.hash}/${next.link}`);
    far?.office.step({ kind: 'bytes', link: far.link, bytes: change(next.bytes) }, now);
    return true;
  }

  /** Carries everything until all are silent. */
  settle(now = NOW): void {
    for (let busy = true; busy; ) {
      busy = false;
      for (const office of this.#offices) {
        while (this.carry(office, now)) busy = true;
        if (this.#hangups(office, now)) busy = true;
      }
    }
  }

  #hangups(office: Office, now: number): boolean {
    const all = office.out('hangup');
    const fresh = all.slice(this.#hungUp.get(office) ?? 0);
    this.#hungUp.set(office, all.length);
    for (const { link } of fresh) {
      const far = this.#far.get(`${office.hash}/${link}`);
      far?.office.step({ kind: 'closed', link: far.link }, now);
    }
    return fresh.length > 0;
  }
}

/** How to dial these, and nobody else. */
export function knowing(...known: readonly RouterKeys[]): SessionsParts['dialOf'] {
  return (router) => {
    const keys = known.find(({ identity }) => identity.hash === router);
    if (!keys) return undefined;
    const { publicKey: staticKey } = keys.ntcp2;
    const address = { host: '203.0.113.9', port: 4_567, staticKey, iv: keys.ntcp2Iv, family: 4 } as const;
    return { address, isolation: 'peers-7' };
  };
}

/** Alice and Bob, who can dial each other and have not. */
export function offices() {
  const alice = new Office(ALICE_KEYS, ALICE_INFO, knowing(BOB_KEYS));
  const bob = new Office(BOB_KEYS, BOB_INFO, knowing(ALICE_KEYS));
  return { alice, bob, wires: new Wires() };
}

/** `from` dials `to` and shakes hands; the links at both ends. */
export function join(from: Office, to: Office, wires: Wires): { near: LinkId; far: LinkId } {
  from.dial(to.hash);
  const near = from.out('dial').at(-1)?.link ?? -1;
  const far = wires.connect(from, near, to);
  wires.settle();
  return { near, far };
}
