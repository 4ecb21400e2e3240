import { aeadSeal } from '@allium/router/crypto/aead.ts';
import { sha256 } from '@allium/router/crypto/hash.ts';
import { SymmetricState } from '@allium/router/crypto/noise.ts';
import { x25519, x25519Public } from '@allium/router/crypto/x25519.ts';
import test from 'ava';

/*
 * Vectors made with the Python package noiseprotocol 0.3.1: empty prologue, every private key is SHA-256 of its name,
 * payloads "payload 1" and so on, then one transport message "transport" from the initiator.
 */

const EMPTY = new Uint8Array(0);
const text = (value: string): Uint8Array => Buffer.from(value);
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');
const secret = (name: string): Uint8Array => sha256(text(name));

function dh(privateName: string, publicName: string): Uint8Array {
  return x25519(secret(privateName), x25519Public(secret(publicName))) ?? EMPTY;
}

function start(name: string): SymmetricState {
  const state = new SymmetricState(name);
  state.mixHash(EMPTY);
  state.mixHash(x25519Public(secret('bob static')));
  return state;
}

function writeEphemeral(state: SymmetricState, name: string): string {
  const key = x25519Public(secret(name));
  state.mixHash(key);
  return hex(key);
}

test('Noise_N, as build records use it, gives the bytes of another implementation', (t) => {
  const state = start('Noise_N_25519_ChaChaPoly_SHA256');
  let message = writeEphemeral(state, 'alice ephemeral');
  state.mixKey(dh('alice ephemeral', 'bob static'));
  message += hex(state.encryptAndHash(text('payload 1')));
  t.is(
    message,
    '9b6d9e84cdd58b6de4adf54cc8c28e387917a5a6736c2ff87b3d009f21b5f11168be8fdf3a186022e3be8084bd7293788736759763ec404597',
  );
  t.is(hex(state.h), '46bea7152ddd57b889588db899ce6219cd8878345b53eaefe45f9d0f3a6b2977');
  t.is(
    hex(aeadSeal(state.split().initiator, 0, EMPTY, text('transport'))),
    '5d870fd64cfe2a27aaaf34ccd79cd4e1c4234233f21a75b962',
  );
});

test('Noise_XK, as NTCP2 uses it, gives the bytes of another implementation', (t) => {
  const state = start('Noise_XK_25519_ChaChaPoly_SHA256');
  let first = writeEphemeral(state, 'alice ephemeral');
  state.mixKey(dh('alice ephemeral', 'bob static'));
  first += hex(state.encryptAndHash(text('payload 1')));
  t.is(
    first,
    '9b6d9e84cdd58b6de4adf54cc8c28e387917a5a6736c2ff87b3d009f21b5f111e684c1d87acda6962e260cb7acb50e22b0bac1579e7d220371',
  );
  let second = writeEphemeral(state, 'bob ephemeral');
  state.mixKey(dh('alice ephemeral', 'bob ephemeral'));
  second += hex(state.encryptAndHash(text('payload 2')));
  t.is(
    second,
    'ab33e83e435952340c1f8a9c0cd73a904fd86953128aeccb27a1a5e12484b45ee89e5383c3f58d0b29a22d509dcbdb2af2d2bb160ef3889875',
  );
  let third = hex(state.encryptAndHash(x25519Public(secret('alice static'))));
  state.mixKey(dh('alice static', 'bob ephemeral'));
  third += hex(state.encryptAndHash(text('payload 3')));
  t.is(
    third,
    '2bfc1f46e09137b4c2ec127c31f18ede4ab668a0425c25b6fbca8845676fe3604ed2352f3f0420c1c67e65f14327dd701fc00cc5245f1e59a4ae0861ae23159adfecf3d7981283bbb9',
  );
  t.is(hex(state.h), '553d8d9e9a71d1836c837684288e44d750848cf99109f0e39f48729207c6fecb');
  t.is(
    hex(aeadSeal(state.split().initiator, 0, EMPTY, text('transport'))),
    '57b799909de5a5de4c6b4e5ca35129bb4e6f15581396853f9e',
  );
});

test('Noise_IK, as the ratchet uses it, gives the bytes of another implementation', (t) => {
  const state = start('Noise_IK_25519_ChaChaPoly_SHA256');
  let first = writeEphemeral(state, 'alice ephemeral');
  state.mixKey(dh('alice ephemeral', 'bob static'));
  first += hex(state.encryptAndHash(x25519Public(secret('alice static'))));
  state.mixKey(dh('alice static', 'bob static'));
  first += hex(state.encryptAndHash(text('payload 1')));
  t.is(
    first,
    '9b6d9e84cdd58b6de4adf54cc8c28e387917a5a6736c2ff87b3d009f21b5f111e05e6cca909c1a7a110f9550d846aaed500d68355cceca8b7f942ff23df5bfec3a16a6cfc6d03bd84584220e760339ee9410279093f539aeae3a478aba5ff58ccef3b90bd2fc29ebdd',
  );
  let second = writeEphemeral(state, 'bob ephemeral');
  state.mixKey(dh('alice ephemeral', 'bob ephemeral'));
  state.mixKey(dh('alice static', 'bob ephemeral'));
  second += hex(state.encryptAndHash(text('payload 2')));
  t.is(
    second,
    'ab33e83e435952340c1f8a9c0cd73a904fd86953128aeccb27a1a5e12484b45e173fe96040739c2304167fc7a4fc971999fa6af07d47da355a',
  );
  t.is(hex(state.h), '1bd1dba0c2c94a198121bf74d58f38873f197292ac5033ecfe7f15a7afd29415');
});

test('a failed decryption leaves the state as it was', (t) => {
  const ours = start('Noise_N_25519_ChaChaPoly_SHA256');
  ours.mixKey(secret('any'));
  const theirs = ours.clone();
  const good = ours.encryptAndHash(text('hello'));
  const bad = Buffer.from(good);
  bad[0] = (bad[0] ?? 0) ^ 1;
  t.is(theirs.decryptAndHash(bad), undefined);
  t.is(theirs.decryptAndHash(EMPTY), undefined);
  t.deepEqual(Buffer.from(theirs.decryptAndHash(good) ?? EMPTY), Buffer.from('hello'));
  t.is(hex(theirs.h), hex(ours.h));
  t.is(theirs.n, 1);
});

test('names over 32 characters are hashed and shorter ones zero padded', (t) => {
  const long = 'Noise_XKaesobfse+hs2+hs3_25519_ChaChaPoly_SHA256';
  t.is(hex(new SymmetricState(long).ck), hex(sha256(text(long))));
  const short = 'Noise_N_25519_ChaChaPoly_SHA256';
  t.is(hex(new SymmetricState(short).h), `${hex(text(short))}00`);
});
