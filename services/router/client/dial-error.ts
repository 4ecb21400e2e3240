import { GatewayError } from '@allium/common/bytes/errors.ts';
import type { StreamRefusal } from '@allium/common/contracts/streams.ts';

/** Why a stream to a destination could not be opened. Its message holds no name and no address. */
export class DialError extends GatewayError<{ readonly code: StreamRefusal }> {
  constructor(code: StreamRefusal, options?: { readonly cause: unknown }) {
    super({ code }, code);
    this.name = 'DialError';
    if (options !== undefined) this.cause = options.cause;
  }
}
