/** Why nft, or our own validation in front of it, refused. */
export const NFT_ERROR_CODES = [
  /** a table, chain, set, rule or device that is named does not exist */
  'not-found',
  /** `create` of something that is there already */
  'exists',
  /** no CAP_NET_ADMIN in this network namespace */
  'no-permission',
  /** refused by our validation or by nft's parser; nothing reached the kernel */
  'invalid',
  /** still referenced, or the kernel is working on it */
  'busy',
  /** the kernel lacks the feature */
  'unsupported',
  /** the program cannot be started */
  'no-program',
  /** the program did not end in time and was killed */
  'timeout',
  /** the program said more than we read */
  'too-large',
  /** the program's output is not what libnftables documents */
  'unreadable',
  /** anything else */
  'failed',
] as const;
export type NftErrorCode = (typeof NFT_ERROR_CODES)[number];

export class NftError extends Error {
  readonly code: NftErrorCode;
  /** where in the ruleset, for `invalid`: `inet gate / chain input / rule 3` */
  readonly place: string | undefined;

  constructor(code: NftErrorCode, message: string, place?: string) {
    super(place === undefined ? message : `${place}: ${message}`);
    this.name = 'NftError';
    this.code = code;
    this.place = place;
  }
}

/** What the kernel's or the parser's words mean; checked in this order. nft runs with LC_ALL=C. */
const PHRASES: readonly (readonly [RegExp, NftErrorCode])[] = [
  [/Operation not permitted|Permission denied|you must be root/i, 'no-permission'],
  [/No such file or directory|does not exist/i, 'not-found'],
  [/File exists/i, 'exists'],
  [/resource busy/i, 'busy'],
  [/not supported|Protocol error/i, 'unsupported'],
  [
    /syntax error|Parsing |Invalid |Unknown |Could not resolve|conflicting|datatype mismatch|out of range|numerical result/i,
    'invalid',
  ],
];

/** The code for what nft wrote to standard error. */
export function codeOf(stderr: string): NftErrorCode {
  return PHRASES.find(([phrase]) => phrase.test(stderr))?.[1] ?? 'failed';
}
