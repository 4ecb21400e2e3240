import { GatewayError } from '@allium/common/bytes/errors.ts';

export type UpstreamFacts =
  /** the parent itself could not be reached */
  | { readonly code: 'connect' }
  /** the SOCKS parent could not be reached, or refused; `reason` in its own words */
  | { readonly code: 'socks'; readonly reason: string }
  /** nothing came within socket-timeout */
  | { readonly code: 'timeout' }
  /** the parent closed without an answer */
  | { readonly code: 'closed' }
  /** the answer is not HTTP */
  | { readonly code: 'invalid' };

/** Why a request got no answer from its parent. Its message holds no name. */
export class UpstreamError extends GatewayError<UpstreamFacts> {}

/** Sorts what node:net reports. */
export function asUpstreamError(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (code.startsWith('HPE_'))
    return new UpstreamError({ code: code === 'HPE_INVALID_EOF_STATE' ? 'closed' : 'invalid' });
  if (code === 'ETIMEDOUT') return new UpstreamError({ code: 'timeout' });
  if (/^(?:ECONNREFUSED|ENOENT|EACCES|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/.test(code)) {
    return new UpstreamError({ code: 'connect' });
  }
  return new UpstreamError({ code: 'closed' });
}
