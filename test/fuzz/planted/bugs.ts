/** A mistake that is put into a copy of a module in memory, to see whether the fuzzer finds it. */
export interface PlantedBug {
  readonly name: string;
  /** below services/ */
  readonly file: string;
  /** what is replaced, once, and by what */
  readonly from: string;
  readonly to: string;
}

/** What was taken out. */
export const BUGS: readonly PlantedBug[] = [
  {
    name: 'a length check: blocks of NTCP2 frames that are longer than the frame',
    file: 'router/ntcp2/frame-reader.ts',
    from: 'if (length > input.remaining) return FORMAT;',
    to: '',
  },
  {
    name: 'a length check: records of a build message that ends before them',
    file: 'router/tunnel/record-set.ts',
    from: 'if (payload.length < 1 + count * BUILD_RECORD_SIZE) {',
    to: 'if (false) {',
  },
  {
    name: 'a bound: blocks of one ratchet payload',
    file: 'router/i2np/blocks.ts',
    from: "if (count === MAX_BLOCKS) input.fail('length', 'too many blocks');",
    to: '',
  },
  {
    name: 'a bound: bytes that a tunnel endpoint holds',
    file: 'router/tunnel/endpoint.ts',
    from: 'while (this.#held > MAX_HELD_BYTES) {',
    to: 'while (false) {',
  },
  {
    name: 'a throw: the signature of a RouterInfo',
    file: 'router/wire/router-info.ts',
    from: "input.fail('authentication', 'signature');",
    to: '',
  },
  {
    name: 'a throw: bytes behind the end of a structure',
    file: 'common/bytes/codec.ts',
    from: 'input.expectEnd();',
    to: '',
  },
];
