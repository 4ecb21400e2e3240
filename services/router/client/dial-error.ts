import { GatewayError } from '@allium/common/bytes/errors.ts';

export const DIAL_CODES = [
  /** the router has no tunnels yet */
  'not-ready',
  /** no address book knows the name */
  'unknown-destination',
  /** no floodfill had the LeaseSet */
  'lease-set-not-found',
  /** the LeaseSet is known, but the SYN stayed unanswered */
  'no-answer',
  /** the other side answered the SYN with CLOSE or RESET */
  'refused',
  /** the stream broke while it was opened */
  'reset',
  /** the address or the LeaseSet is of a kind that this router can't use */
  'unsupported',
  /** the caller's own deadline passed */
  'timeout',
] as const;
export type DialCode = (typeof DIAL_CODES)[number];

/** Why a stream to a destination could not be opened. Its message holds no name and no address. */
export class DialError extends GatewayError<{ readonly code: DialCode }> {
  constructor(code: DialCode, options?: { readonly cause: unknown }) {
    super({ code }, code);
    this.name = 'DialError';
    if (options !== undefined) this.cause = options.cause;
  }
}
