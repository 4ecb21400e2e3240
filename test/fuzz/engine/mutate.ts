import type { Chance } from './chance.ts';

/** Numbers at which readers change their minds. */
const NUMBERS = [
  0, 1, 2, 4, 8, 9, 16, 17, 32, 64, 127, 128, 254, 255, 256, 257, 512, 1024, 3072, 4096, 32767,
];
const LARGE = [32_768, 65_519, 65_520, 65_535, 65_536, 0x7fffffff, 0x80000000, 0xffffffff];

type Step = (input: Buffer, chance: Chance, others: readonly Uint8Array[]) => Buffer;

const flipBit: Step = (input, chance) => {
  const bit = chance.below(input.length * 8);
  input[bit >>> 3] = (input[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return input;
};

const setByte: Step = (input, chance) => {
  input[chance.below(input.length)] = chance.oneIn(2) ? chance.u32() : (chance.pick(NUMBERS) ?? 0);
  return input;
};

const nudge: Step = (input, chance) => {
  const at = chance.below(input.length);
  input[at] = (input[at] ?? 0) + chance.below(9) - 4;
  return input;
};

const setNumber: Step = (input, chance) => {
  const size = chance.oneIn(2) ? 2 : 4;
  if (input.length < size) return input;
  const value = chance.pick(chance.oneIn(3) ? LARGE : NUMBERS) ?? 0;
  input.writeUIntBE(value % 256 ** size, chance.below(input.length - size + 1), size);
  return input;
};

/** As a length field that says exactly what follows it does. */
const setLength: Step = (input, chance) => {
  if (input.length < 3) return input;
  const at = chance.below(input.length - 2);
  input.writeUInt16BE(Math.max(0, input.length - at - 2 - chance.below(3)) & 0xffff, at);
  return input;
};

const cutOut: Step = (input, chance) => {
  const at = chance.below(input.length);
  const length = 1 + chance.below(Math.min(input.length - at, chance.oneIn(4) ? input.length : 16));
  return Buffer.concat([input.subarray(0, at), input.subarray(at + length)]);
};

const cutEnd: Step = (input, chance) => input.subarray(0, chance.below(input.length + 1));

const repeat: Step = (input, chance) => {
  const at = chance.below(input.length);
  const part = input.subarray(at, at + 1 + chance.below(Math.min(64, input.length - at)));
  const times = chance.oneIn(8) ? 2 + chance.below(300) : 1;
  return Buffer.concat([input.subarray(0, at), ...Array<Buffer>(times).fill(part), input.subarray(at)]);
};

const insert: Step = (input, chance) => {
  const at = chance.below(input.length + 1);
  return Buffer.concat([input.subarray(0, at), chance.bytes(1 + chance.below(24)), input.subarray(at)]);
};

const fill: Step = (input, chance) => {
  const at = chance.below(input.length);
  return input.fill(
    chance.oneIn(2) ? 0 : chance.below(256),
    at,
    Math.min(input.length, at + 1 + chance.below(32)),
  );
};

/** A piece of another input, over what is here or between it. */
const graft: Step = (input, chance, others) => {
  const other = chance.pick(others);
  if (other === undefined || other.length === 0) return input;
  const from = chance.below(other.length);
  const piece = other.subarray(from, from + 1 + chance.below(other.length - from));
  const at = chance.below(input.length + 1);
  const rest = input.subarray(chance.oneIn(2) ? at : Math.min(input.length, at + piece.length));
  return Buffer.concat([input.subarray(0, at), piece, rest]);
};

const STEPS: readonly [Step, ...Step[]] = [
  flipBit,
  setByte,
  setByte,
  nudge,
  setNumber,
  setLength,
  cutOut,
  cutEnd,
  repeat,
  insert,
  fill,
  graft,
];

/** Another input made from this one: a few steps, of which some put in a word that the reader knows. */
export function mutated(
  input: Uint8Array,
  chance: Chance,
  others: readonly Uint8Array[],
  words: readonly Uint8Array[],
  longest: number,
): Buffer {
  let out: Buffer = Buffer.from(input);
  for (let steps = 1 + chance.below(chance.oneIn(3) ? 8 : 3); steps > 0; steps--) {
    const word = words.length > 0 && chance.oneIn(4) ? chance.pick(words) : undefined;
    if (word !== undefined) out = withWord(out, word, chance);
    else
      out = out.length === 0 ? chance.bytes(1 + chance.below(32)) : chance.pick(STEPS)(out, chance, others);
    if (out.length > longest) out = out.subarray(0, longest);
  }
  return out;
}

function withWord(input: Buffer, word: Uint8Array, chance: Chance): Buffer {
  const at = chance.below(input.length + 1);
  const behind = chance.oneIn(2) ? at : Math.min(input.length, at + word.length);
  return Buffer.concat([input.subarray(0, at), word, input.subarray(behind)]);
}
