import type { I2npMessage } from '../i2np/message.ts';
import type { Close } from '../ntcp2/types.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import type { ClockSample } from './clock-skew.ts';
import type { LinkId } from './node-io.ts';

/** Why there is no session with a router. */
export type SessionFailure =
  | { readonly stage: 'address' | 'limit' }
  | { readonly stage: 'dial'; readonly code: 'proxy' | 'circuit' | 'refused' | 'timeout' | 'aborted' }
  | { readonly stage: 'session'; readonly close: Close; readonly established: boolean };

/** What a session said, for the node to act on. What it sends is emitted at once, in the order of encryption. */
export type SessionEvent =
  | { readonly kind: 'up'; readonly router: RouterHash; readonly incoming: boolean }
  | { readonly kind: 'down'; readonly router: RouterHash; readonly failure: SessionFailure }
  | { readonly kind: 'message'; readonly from: RouterHash; readonly message: I2npMessage }
  | {
      readonly kind: 'routerInfo';
      readonly from: RouterHash;
      readonly routerInfo: RouterInfo;
    }
  /** a handshake that we began told the peer's time */
  | ({ readonly kind: 'skew' } & ClockSample)
  | { readonly kind: 'wake'; readonly link: LinkId; readonly at: number };
