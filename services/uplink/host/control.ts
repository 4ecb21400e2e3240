import { DecodeError } from '@allium/common/bytes/errors.ts';
import {
  closeRequest,
  leaseRequest,
  MAX_RELAYS_BODY,
  relaysRequest,
} from '@allium/common/contracts/uplink.ts';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { get, ok, post, type Reply, refuse, serve } from '@allium/common/unix-json/serve.ts';

/** The supervisor, and a person who looks. */
const CONNECTIONS = 4;

export interface Leased {
  relaysDigest(): string | undefined;
  takeRelays(list: string): string;
  renewLease(relays: string): boolean;
  endLease(): void;
}

/**
 * The supervisor's side: `GET /relays`, `POST /relays` `{"list": lines of ADDRESS:PORT}`, `POST /lease`
 * `{"relays": SHA-256 of the list}`, `POST /close` `{}`. 409: another list is here, send yours first.
 */
export function serveControl(path: string, uplink: Leased): Promise<{ stop: Stop }> {
  return serve(
    { path },
    {
      'GET /relays': get(() => ok({ ok: true, relays: uplink.relaysDigest() ?? null })),
      'POST /relays': post(relaysRequest, ({ list }) => takeRelays(list, uplink), { bytes: MAX_RELAYS_BODY }),
      'POST /lease': post(leaseRequest, ({ relays }) =>
        uplink.renewLease(relays)
          ? ok({ ok: true })
          : refuse(409, 'other-relays', 'another list is here: POST /relays first'),
      ),
      'POST /close': post(closeRequest, () => {
        uplink.endLease();
        return ok({ ok: true });
      }),
    },
    { connections: CONNECTIONS },
  );
}

function takeRelays(list: string, uplink: Leased): Reply {
  try {
    return ok({ ok: true, relays: uplink.takeRelays(list) });
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return refuse(400, 'relays-malformed', `line ${error.detail.offset}: ADDRESS:PORT expected`);
  }
}
