import { z } from 'zod';
import { type ListenAddress, parseListenAddress } from '../net/listen-address.ts';

/** Values that the configurations of several services have. */
export const absolutePath = z.string().regex(/^\/[^\0]*$/, 'an absolute path');

/** Where to listen: an absolute socket path or HOST:PORT. */
export const listenAddress = z.string().transform((text, context): ListenAddress => {
  const parsed = parseListenAddress(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'an absolute socket path or HOST:PORT' });
  return z.NEVER;
});
