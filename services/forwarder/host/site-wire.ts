import { type EarlyDial, streamAsk } from '@allium/common/socks/early-client.ts';
import { FramedCarrier } from './framed-carrier.ts';
import { streamOpened } from './site-stream.ts';
import { Wire } from './wire.ts';

export interface SiteWire {
  /** may be written to at once: what is written before the router is reached travels with the SYN */
  readonly wire: Wire;
  /** resolves when the stream stands; rejects with `StreamError`, and the wire is destroyed then */
  readonly opened: Promise<void>;
}

/** Asks the router at `path` for a stream for one request. Destroying the wire gives it up. */
export function openSiteWire(path: string, dial: Omit<EarlyDial, 'early' | 'framed'>): SiteWire {
  const carrier = new FramedCarrier(path, streamAsk({ ...dial, framed: true }));
  return { wire: new Wire({ carrier }), opened: streamOpened(carrier.socket, carrier.granted) };
}
