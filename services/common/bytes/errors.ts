/**
 * Errors are data: a code that logs, counters and tests match on, and the facts that belong to it.
 * Whoever throws one says whose fault it is by its class: `DecodeError` is always the sender's.
 */
export class GatewayError<D extends { readonly code: string }> extends Error {
  readonly detail: D;

  constructor(detail: D, message?: string) {
    super(message ?? detail.code);
    this.name = 'GatewayError';
    this.detail = detail;
  }

  get code(): D['code'] {
    return this.detail.code;
  }
}

export const DECODE_CODES = [
  /** the input ended before the structure did */
  'short',
  /** bytes are left after the structure ended */
  'trailing',
  /** a field has a value that the specification forbids */
  'value',
  /** a length or count is over our limit, or contradicts another */
  'length',
  /** a type that the specification knows and we don't handle, or that nobody knows */
  'unsupported',
  /** a signature, checksum or authentication tag does not fit */
  'authentication',
] as const;
export type DecodeCode = (typeof DECODE_CODES)[number];

export interface DecodeFacts {
  readonly code: DecodeCode;
  /** name of the structure as the specification spells it */
  readonly structure: string;
  /** bytes from the start of the input */
  readonly offset: number;
}

/** Input from outside is not what the specification says: the sender's fault, never ours. */
export class DecodeError extends GatewayError<DecodeFacts> {
  constructor(code: DecodeCode, structure: string, offset: number, why?: string) {
    super({ code, structure, offset }, `${structure}: ${code} at byte ${offset}${why ? `: ${why}` : ''}`);
    this.name = 'DecodeError';
  }
}
