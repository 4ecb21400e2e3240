import { encodeLong, type I2npMessage } from '@allium/router/i2np/message.ts';
import type { LinkId, NodeInput, NodeOutput } from '@allium/router/node/node-io.ts';
import { RouterNode } from '@allium/router/node/router-node.ts';
import type { RouterHash } from '@allium/router/wire/hash.ts';
import { identityOf } from '@allium/router/wire/identity.ts';
import { publishedNtcp2Address, routerOptions } from '@allium/router/wire/own-router.ts';
import { createRouterInfo } from '@allium/router/wire/router-info.ts';
import { Chance } from '../engine/chance.ts';
import type { Script } from '../engine/script.ts';
import { promise } from '../engine/target.ts';
import { DESTINATION, NET_ID, NOW, ROUTER, STRANGER } from './forge.ts';
import { type Entrance, HostilePeer, IDENTITIES, messageFor } from './hostile-peer.ts';
import { Mischief } from './mischief.ts';

const NODE_HOST = '10.9.0.1';
const NODE_INFO = createRouterInfo(ROUTER, {
  published: NOW - 60_000,
  addresses: [publishedNtcp2Address(ROUTER, { host: NODE_HOST, port: 4_567 })],
  options: routerOptions({ caps: 'XR', netId: NET_ID, version: '0.9.68' }),
});
const SITE = 1;
/** What one input may bring about, at most: outputs, and bytes for all peers. */
const OUTPUTS_MAX = 2_000;
const SENT_MAX = 4 * 1_048_576;
/** Things that happen between two inputs of the script, so that a life ends. */
const EVENTS_MAX = 4_000;
const STEPS_MAX = 60;
/** ms that the script may let pass at once. */
const PAUSES = [50, 1_000, 3_000, 10_000, 70_000, 620_000];

type Happening = () => void;

/** A whole node between hostile peers, from its start to the end of the script. */
export class Life {
  readonly #script: Script;
  /** what is odd is made by chance, whose seed the script says */
  readonly #chance: Chance;
  readonly #node: RouterNode;
  readonly #peers: readonly HostilePeer[];
  readonly #mischief: Mischief;
  readonly #links = new Map<LinkId, HostilePeer>();
  readonly #linkOf = new Map<HostilePeer, LinkId>();
  readonly #events: Happening[] = [];
  readonly #streams: number[] = [];
  #now = NOW;
  #accepted = 0x4000_0000;
  #happened = 0;
  #outputs = 0;

  constructor(script: Script) {
    this.#script = script;
    this.#chance = new Chance(`life ${script.u8()}`);
    const listens = script.below(3) === 0;
    const config = {
      netId: NET_ID,
      allowPrivateAddresses: true,
      skipIpDiversity: true,
      exploratory: { length: 1, quantity: 2 },
      ...(listens ? { listen: { host: NODE_HOST, port: 4_567, floodfill: script.below(2) === 0 } } : {}),
    };
    this.#node = new RouterNode(config, ROUTER, new Chance('node').random);
    this.#peers = IDENTITIES.map((identity) => new HostilePeer(identity, this.#around));
    this.#mischief = new Mischief(script, this.#chance, this.#peers, () => this.#now);
    this.#feed({ kind: 'start', routerInfos: [], profiles: [], firstHops: [] });
    this.#feed({ kind: 'reseeded', routerInfos: IDENTITIES.map(({ info }) => info) });
    if (listens) this.#dialNode();
    this.#open(script.below(2) === 0);
    for (let ticks = 0; ticks < 6; ticks++) this.#pass(500);
  }

  live(most = STEPS_MAX, after?: (steps: number) => void): number {
    for (let steps = 0; !this.#script.ended && steps < most; steps++) {
      // peers may say as much as they like; only what follows from one thing has to end
      this.#happened = 0;
      this.#next();
      after?.(steps);
    }
    this.#feed({ kind: 'stop' });
    const { sessions } = this.#node.status();
    promise(sessions.open <= 128, 'at most 128 sessions');
    return this.#outputs;
  }

  /** How far the node has come, to see that a life is one. */
  get status(): ReturnType<RouterNode['status']> {
    return this.#node.status();
  }

  readonly #around = {
    say: (peer: HostilePeer, bytes: Uint8Array): void => {
      const link = this.#linkOf.get(peer);
      if (link !== undefined) this.#events.push(() => this.#feed({ kind: 'bytes', link, bytes }));
    },
    pass: (to: RouterHash, from: RouterHash, message: I2npMessage): void => {
      const peer = this.#peers.find(({ hash }) => hash === to);
      if (peer) this.#events.push(() => peer.take(message, from));
    },
    now: (): number => this.#now,
  };

  #dialNode(): void {
    const [peer] = this.#peers;
    if (!peer) return;
    const link = ++this.#accepted;
    this.#join(link, peer);
    this.#feed({ kind: 'accepted', link });
    peer.connect(NODE_INFO);
    this.#drain();
  }

  #join(link: LinkId, peer: HostilePeer): void {
    this.#links.set(link, peer);
    this.#linkOf.set(peer, link);
  }

  #feed(input: NodeInput): void {
    this.#take(this.#node.step(input, this.#now));
    this.#drain();
  }

  #drain(): void {
    for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
      if (++this.#happened > EVENTS_MAX) return;
      event();
    }
  }

  #take(outputs: readonly NodeOutput[]): void {
    promise(outputs.length <= OUTPUTS_MAX, `at most ${OUTPUTS_MAX} outputs of one input`);
    let sent = 0;
    for (const output of outputs) {
      if (output.kind === 'send') sent += output.bytes.length;
      this.#carryOut(output);
    }
    promise(sent <= SENT_MAX, `at most ${SENT_MAX} bytes of one input`);
    this.#outputs += outputs.length;
  }

  #carryOut(output: NodeOutput): void {
    if (output.kind === 'fault') throw new Error(`fault of a ${output.culprit}`, { cause: output.error });
    if (output.kind === 'dial') this.#events.push(() => this.#dialled(output.link, output.host));
    else if (output.kind === 'send') {
      const peer = this.#links.get(output.link);
      this.#events.push(() => peer?.step({ kind: 'bytes', bytes: output.bytes }));
    } else if (output.kind === 'hangup') this.#leave(output.link);
    else if (output.kind === 'stream' && this.#streams.length < 8) this.#streams.push(output.output.stream);
  }

  #dialled(link: LinkId, host: string): void {
    const peer = this.#peers.find(({ identity }) => identity.host === host);
    if (!peer || this.#linkOf.has(peer)) return this.#feed({ kind: 'dialFailed', link, code: 'refused' });
    this.#join(link, peer);
    peer.connect();
    this.#feed({ kind: 'dialed', link });
  }

  #leave(link: LinkId): void {
    const peer = this.#links.get(link);
    this.#links.delete(link);
    if (!peer || this.#linkOf.get(peer) !== link) return;
    this.#linkOf.delete(peer);
    peer.hangUp();
  }

  #pass(ms: number): void {
    this.#now += ms;
    this.#feed({ kind: 'tick' });
    for (const peer of this.#peers) peer.step({ kind: 'tick' });
    this.#drain();
  }

  #next(): void {
    const script = this.#script;
    const said = this.#mischief;
    const peer = script.pick(this.#peers);
    const what = script.below(16);
    if (what < 3) peer.send(said.any());
    else if (what < 6) this.#into(said.any());
    else if (what === 6) this.#into(said.answer(peer));
    else if (what === 7) this.#into(said.forDestination());
    else if (what === 8) this.#pass(script.pick(PAUSES));
    else if (what === 9) peer.spoil = (payload) => this.#mischief.changed(payload);
    else if (what === 10) this.#corrupt(peer);
    else if (what === 11) this.#closed(peer);
    else if (what < 15) this.#act();
    else peer.send(said.build());
    this.#drain();
  }

  /** Out of one of the node's inbound tunnels. */
  #into(message: I2npMessage | undefined): void {
    const entrances: Entrance[] = this.#peers.flatMap((peer) =>
      peer.entrances.map((tunnelId) => ({ peer, tunnelId })),
    );
    const entrance = entrances[this.#script.below(entrances.length)];
    if (!entrance || !message || message.payload.length > 50_000) return;
    const { peer, tunnelId } = entrance;
    const script = this.#script;
    const data = script.below(8) === 0 ? this.#mischief.changed(encodeLong(message)) : encodeLong(message);
    peer.take(messageFor({ kind: 'tunnelGateway', tunnelId, data }, this.#now), undefined);
  }

  /** Bytes on the line that no session would send. */
  #corrupt(peer: HostilePeer): void {
    const link = this.#linkOf.get(peer);
    if (link !== undefined)
      this.#feed({ kind: 'bytes', link, bytes: this.#chance.bytes(1 + this.#script.below(400)) });
  }

  #closed(peer: HostilePeer): void {
    const link = this.#linkOf.get(peer);
    if (link === undefined) return this.#dialNode();
    const kind = this.#script.pick(['closed', 'blocked', 'drained'] as const);
    if (kind === 'closed') this.#leave(link);
    this.#feed({ kind, link });
  }

  /** What the owner of the node does meanwhile. */
  #act(): void {
    const script = this.#script;
    const stream = this.#streams[script.below(this.#streams.length)] ?? 0;
    const what = script.below(9);
    if (what < 2) this.#connect();
    else if (what === 2) this.#command({ kind: 'write', stream, bytes: Buffer.alloc(script.u16() % 5_000) });
    else if (what === 3) this.#command({ kind: script.below(2) === 0 ? 'end' : 'reset', stream });
    else if (what === 4) this.#command({ kind: 'consumed', stream, bytes: script.u16() });
    else if (what === 5) this.#moveClock(script.pick([-120_000, -10_000, 5_000, 3_600_000]));
    else if (what === 6) this.#feed({ kind: 'closeDestination', destination: SITE });
    else if (what === 7) this.#open(script.below(2) === 0);
    else this.#feed({ kind: 'dialFailed', link: script.below(20), code: 'circuit' });
  }

  #moveClock(by: number): void {
    this.#now += by;
    this.#feed({ kind: 'clockMoved', by });
  }

  get #isOpen(): boolean {
    return this.#node.status().destinations.has(SITE);
  }

  /** Twice would be our own mistake. */
  #open(publish: boolean): void {
    if (this.#isOpen) return;
    const options = { identity: identityOf(DESTINATION), publish, length: 1, quantity: 2 };
    this.#feed({ kind: 'openDestination', destination: SITE, options });
    this.#feed({ kind: 'stream', destination: SITE, command: { kind: 'listen', port: 0 } });
  }

  #connect(): void {
    if (!this.#isOpen) return;
    const remote = STRANGER.destination.hash;
    const { stream, outputs } = this.#node.connect(SITE, { remote, port: 80 }, this.#now);
    this.#streams.push(stream);
    this.#take(outputs);
  }

  #command(command: Extract<NodeInput, { kind: 'stream' }>['command']): void {
    this.#feed({ kind: 'stream', destination: SITE, command });
  }
}
