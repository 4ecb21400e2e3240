import { readFileSync } from 'node:fs';
import { x25519Public } from '@allium/router/crypto/x25519.ts';
import { decodeBody } from '@allium/router/i2np/body.ts';
import { Ntcp2Session } from '@allium/router/ntcp2/session.ts';
import { ntcp2Address } from '@allium/router/wire/router-caps.ts';
import { routerIdentityOf } from '@allium/router/wire/router-identity.ts';
import { decodeRouterInfo } from '@allium/router/wire/router-info.ts';
import type { RouterKeys } from '@allium/router/wire/router-keys.ts';
import test from 'ava';
import { recordedEntropy } from '../../support/entropy.ts';
import { cutter, Side } from './support.ts';

interface Recording {
  /** milliseconds since the epoch */
  readonly start: number;
  readonly entropySeed: string;
  readonly keys: string;
  readonly localRouterInfo: string;
  readonly peerRouterInfo: string;
  readonly steps: readonly {
    /** milliseconds since `start` */
    readonly after: number;
    readonly received?: string;
    readonly sent?: readonly string[];
  }[];
}

const RECORDING: Recording = JSON.parse(readFileSync(new URL('i2pd-session.json', import.meta.url), 'utf8'));

/** As they were recorded: identity, signing seed, two private keys, IV. */
function keysOf(bytes: Buffer): RouterKeys {
  const identity = routerIdentityOf(bytes.subarray(0, -112));
  const [signingSeed, encryption, ntcp2] = [-112, -80, -48].map((at) => bytes.subarray(at, at + 32));
  if (!signingSeed || !encryption || !ntcp2) throw new Error('no keys in the recording');
  const pair = (privateKey: Buffer) => ({ privateKey, publicKey: x25519Public(privateKey) });
  return {
    identity,
    signingSeed,
    encryption: pair(encryption),
    ntcp2: pair(ntcp2),
    ntcp2Iv: bytes.subarray(-16),
  };
}

function replay(cut: (bytes: Uint8Array) => readonly Uint8Array[]): Side {
  const fromHex = (text: string): Buffer => Buffer.from(text, 'hex');
  const local = decodeRouterInfo(fromHex(RECORDING.localRouterInfo));
  const peer = decodeRouterInfo(fromHex(RECORDING.peerRouterInfo));
  const [address] = ntcp2Address(peer);
  if (!address) throw new Error('no address in the recording');
  const config = {
    local: keysOf(fromHex(RECORDING.keys)),
    localRouterInfo: () => local,
    netId: 99,
    random: recordedEntropy(RECORDING.entropySeed),
    keepAlive: () => false,
  };
  const { staticKey, iv } = address;
  const side = new Side(Ntcp2Session.initiator(config, { hash: peer.hash, staticKey, iv }));
  side.step({ kind: 'tick' }, RECORDING.start);
  for (const { after, received } of RECORDING.steps) {
    const now = RECORDING.start + after;
    if (received === undefined) side.step({ kind: 'connected' }, now);
    else for (const bytes of cut(fromHex(received))) side.step({ kind: 'bytes', bytes }, now);
  }
  return side;
}

test('the bytes that i2pd accepted are the bytes that we send', (t) => {
  const sent = replay((bytes) => [bytes]).unsent.map((bytes) => Buffer.from(bytes).toString('hex'));
  t.deepEqual(
    sent,
    RECORDING.steps.flatMap((step) => step.sent ?? []),
  );
  t.is(sent.length, 2);
});

test('the frames of i2pd are read, however they are cut', (t) => {
  for (const size of [1, 7, 100_000]) {
    const side = replay(cutter([size]));
    t.is(side.of('established').length, 1);
    t.is(side.closed, undefined);
    const bodies = side.messages.map((message) => decodeBody(message).kind);
    t.deepEqual(bodies, ['databaseStore', 'databaseStore']);
    t.true(Math.abs(side.of('skew')[0]?.skew ?? 1e9) <= 600);
  }
});
