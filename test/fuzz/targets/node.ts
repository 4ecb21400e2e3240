import { randomU32 } from '@allium/common/core/random.ts';
import { encodeI2cp } from '@allium/router/destination/i2cp-gzip.ts';
import { sealNewSession } from '@allium/router/garlic/new-session.ts';
import { encodeBlocks } from '@allium/router/i2np/blocks.ts';
import { encodeLong, type I2npMessage } from '@allium/router/i2np/message.ts';
import { sealOneTime } from '@allium/router/i2np/one-time-garlic.ts';
import { sealForRouter } from '@allium/router/i2np/router-garlic.ts';
import type { LinkId, NodeInput, NodeOutput } from '@allium/router/node/node-io.ts';
import { RouterNode } from '@allium/router/node/router-node.ts';
import { encodeSigned, signerOf } from '@allium/router/streaming/signing.ts';
import { hashBytes, type RouterHash } from '@allium/router/wire/hash.ts';
import { publishedNtcp2Address, routerOptions } from '@allium/router/wire/own-router.ts';
import { createRouterInfo } from '@allium/router/wire/router-info.ts';
import { createRouterKeys } from '@allium/router/wire/router-keys.ts';
import { Chance } from '../engine/chance.ts';
import { mutated } from '../engine/mutate.ts';
import { Script } from '../engine/script.ts';
import { promise, type Targets } from '../engine/target.ts';
import { DESTINATION, NET_ID, NOW, oddLeaseSet, oddRouterInfo, ROUTER, STRANGER } from './forge.ts';
import { type Entrance, HostilePeer, IDENTITIES, messageFor } from './hostile-peer.ts';
import { oddBlocks, oddBody, storeMessage } from './i2np.ts';
import { SYN } from './streaming.ts';
import { oddRequest, sealedRecord } from './tunnel.ts';

const NODE_HOST = '10.9.0.1';
const NODE_INFO = createRouterInfo(ROUTER, {
  published: NOW - 60_000,
  addresses: [publishedNtcp2Address(ROUTER, { host: NODE_HOST, port: 4_567 })],
  options: routerOptions({ caps: 'XR', netId: NET_ID, version: '0.9.68' }),
});
const FAR = createRouterKeys(new Chance('far').random);
const SITE = 'site';
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
class Life {
  readonly #script: Script;
  /** what is odd is made by chance, whose seed the script says */
  readonly #chance: Chance;
  readonly #node: RouterNode;
  readonly #peers: readonly HostilePeer[];
  readonly #links = new Map<LinkId, HostilePeer>();
  readonly #linkOf = new Map<HostilePeer, LinkId>();
  readonly #events: Happening[] = [];
  readonly #streams: number[] = [];
  #now = NOW;
  #accepted = 0x4000_0000;
  #happened = 0;
  #outputs = 0;

  constructor(input: Buffer) {
    const script = new Script(input);
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
    this.#feed({ kind: 'start', routerInfos: [], profiles: [] });
    this.#feed({ kind: 'reseeded', routerInfos: IDENTITIES.map(({ info }) => info) });
    if (listens) this.#dialNode();
    this.#open(script.below(2) === 0);
    for (let ticks = 0; ticks < 6; ticks++) this.#pass(500);
  }

  live(): number {
    for (let steps = 0; !this.#script.ended && steps < STEPS_MAX; steps++) this.#next();
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
    const peer = script.pick(this.#peers);
    const what = script.below(16);
    if (what < 3) peer.send(this.#message());
    else if (what < 6) this.#into(this.#message());
    else if (what === 6) this.#answer(peer);
    else if (what === 7) this.#into(this.#forDestination());
    else if (what === 8) this.#pass(script.pick(PAUSES));
    else if (what === 9) peer.spoil = (payload) => this.#changed(payload);
    else if (what === 10) this.#corrupt(peer);
    else if (what === 11) this.#closed(peer);
    else if (what < 15) this.#act();
    else peer.send(this.#build());
    this.#drain();
  }

  #message(): I2npMessage {
    const script = this.#script;
    const heard = this.#peers[script.below(3)]?.heard ?? [];
    const known = heard[script.below(heard.length)];
    if (known && script.below(2) === 0) {
      const payload = script.below(3) === 0 ? known.payload : this.#changed(known.payload);
      return { ...known, payload, type: script.below(8) === 0 ? script.below(28) : known.type };
    }
    const body = oddBody(this.#chance);
    return messageFor({ type: body.type, payload: body.payload.subarray(0, 60_000) }, this.#now);
  }

  #changed(payload: Uint8Array): Buffer {
    return mutated(payload, this.#chance, [], [], 60_000);
  }

  /** Out of one of the node's inbound tunnels. */
  #into(message: I2npMessage): void {
    const entrances: Entrance[] = this.#peers.flatMap((peer) =>
      peer.entrances.map((tunnelId) => ({ peer, tunnelId })),
    );
    const entrance = entrances[this.#script.below(entrances.length)];
    if (!entrance || message.payload.length > 50_000) return;
    const { peer, tunnelId } = entrance;
    const script = this.#script;
    const data = script.below(8) === 0 ? this.#changed(encodeLong(message)) : encodeLong(message);
    peer.take(messageFor({ kind: 'tunnelGateway', tunnelId, data }, this.#now), undefined);
  }

  /** An answer to a question of the node's, under the key that it gave for it. */
  #answer(peer: HostilePeer): void {
    const script = this.#script;
    const question = peer.questions[script.below(peer.questions.length)];
    if (!question?.reply) return;
    const inner = script.below(3) > 0 ? this.#found(question.key) : this.#message();
    const cloves = encodeBlocks([{ kind: 'clove', clove: { delivery: { kind: 'local' }, message: inner } }]);
    const payload = script.below(4) === 0 ? oddBlocks(this.#chance) : cloves;
    this.#into(
      messageFor(
        { kind: 'garlic', data: sealOneTime(question.reply, payload.subarray(0, 40_000)) },
        this.#now,
      ),
    );
  }

  #found(key: Uint8Array): I2npMessage {
    const script = this.#script;
    const hashes = Array.from({ length: script.below(17) }, () =>
      script.below(3) === 0 ? hashBytes(FAR.identity.hash) : this.#chance.bytes(32),
    );
    if (script.below(2) === 0)
      return messageFor(
        {
          kind: 'databaseSearchReply',
          key,
          peers: hashes,
          from: hashBytes(this.#peers[0]?.hash ?? FAR.identity.hash),
        },
        this.#now,
      );
    const store =
      script.below(2) === 0
        ? storeMessage(this.#chance, oddRouterInfo(this.#chance), 0)
        : storeMessage(this.#chance, oddLeaseSet(this.#chance), 3);
    return messageFor({ type: 1, payload: store.subarray(0, 40_000) }, this.#now);
  }

  /** Garlic for the node's Destination, with a stream in it, or anything. */
  #forDestination(): I2npMessage {
    const script = this.#script;
    const chance = this.#chance;
    const packet =
      script.below(2) === 0
        ? encodeSigned({ ...SYN, receiveStreamId: randomU32(chance.random) }, signerOf(STRANGER))
        : chance.bytes(chance.below(200));
    const frame = encodeI2cp({
      fromPort: 1,
      toPort: script.below(3),
      protocol: script.pick([6, 6, 6, 17, 18]),
      payload: packet,
    });
    const data = messageFor({ kind: 'data', data: frame }, this.#now);
    const store = messageFor({ type: 1, payload: storeMessage(chance, oddLeaseSet(chance), 3) }, this.#now);
    const blocks = encodeBlocks([
      { kind: 'dateTime', at: this.#now },
      { kind: 'clove', clove: { delivery: { kind: 'local' }, message: store } },
      { kind: 'clove', clove: { delivery: { kind: 'local' }, message: data } },
    ]);
    const payload = script.below(3) === 0 ? this.#changed(blocks) : blocks;
    const sealed = sealNewSession(
      DESTINATION.encryption.publicKey,
      script.below(4) > 0 ? STRANGER.encryption : undefined,
      payload,
      chance.random,
    );
    return messageFor({ kind: 'garlic', data: sealed?.message ?? payload }, this.#now);
  }

  /** A request to carry a tunnel, over a session or sealed for the router. */
  #build(): I2npMessage {
    const record = sealedRecord(oddRequest(this.#chance));
    const payload = Buffer.concat([Buffer.of(4), record, this.#chance.bytes(3 * 218)]);
    const build = messageFor({ type: 25, payload }, this.#now);
    if (this.#script.below(2) === 0) return build;
    const blocks = encodeBlocks([{ kind: 'clove', clove: { delivery: { kind: 'local' }, message: build } }]);
    return messageFor(
      {
        kind: 'garlic',
        data: sealForRouter(ROUTER.encryption.publicKey, blocks, this.#chance.random) ?? blocks,
      },
      this.#now,
    );
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
    else if (what === 5)
      this.#feed({ kind: 'clockMoved', by: script.pick([-120_000, -10_000, 5_000, 3_600_000]) });
    else if (what === 6) this.#feed({ kind: 'closeDestination', name: SITE });
    else if (what === 7) this.#open(script.below(2) === 0);
    else this.#feed({ kind: 'dialFailed', link: script.below(20), code: 'circuit' });
  }

  get #isOpen(): boolean {
    return SITE in this.#node.status().destinations;
  }

  /** Twice would be our own mistake. */
  #open(publish: boolean): void {
    if (this.#isOpen) return;
    const options = { keys: DESTINATION, publish, length: 1, quantity: 2 };
    this.#feed({ kind: 'openDestination', name: SITE, options });
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

export { Life };

const IN_LIVES = 'by RouterNode.step, whose sessions and tunnels it needs';

export const TARGETS: Targets = {
  'router/node/destinations Destinations.open': 'a Destination of ours',
  'router/node/destinations Destinations.take': 'a Destination of ours',
  'router/node/dispatch Dispatch.message': IN_LIVES,
  'router/node/local-destination LocalDestination.message': IN_LIVES,
  'router/node/queries Queries.open': IN_LIVES,
  'router/node/queries Queries.reply': IN_LIVES,
  'router/node/router-node RouterNode.step': {
    run: (input) => new Life(input).live(),
    slow: true,
    make: (chance) => chance.bytes(6 + chance.below(260)),
    longest: 512,
  },
  'router/node/sessions Sessions.step': IN_LIVES,
};
