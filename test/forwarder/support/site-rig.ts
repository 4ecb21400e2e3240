import { createServer, type RequestListener, type Server } from 'node:http';
import { toBase64 } from '@allium/common/bytes/text.ts';
import type { ExecutionContext } from 'ava';
import type { Limits } from '../../../services/forwarder/host/context.ts';
import { listening } from '../../support/tcp.ts';
import { FakeRouter } from './fake-router.ts';
import { destinationOf } from './names-table.ts';
import { type OurProxy, startOurs } from './proxies.ts';

export const SITE = destinationOf('the site');
export const SITE_B32 = `${SITE.base32}.b32.i2p`;
export const SITE_BASE64 = toBase64(SITE.raw);

export interface SiteRig {
  readonly router: FakeRouter;
  readonly ours: OurProxy;
  readonly site: Server;
  readonly proxy: { readonly host: string; readonly port: number };
}

/** A site named `site.i2p`, its I2P port 80 served by `listener`, and the forwarder in front of it. */
export async function siteRig(
  t: ExecutionContext,
  listener: RequestListener,
  limits: Partial<Limits> = {},
  config = 'keep-alive-timeout 5\ntolerate-pipelining 1\n',
): Promise<SiteRig> {
  const router = await FakeRouter.start(t);
  const site = createServer(listener);
  router.ports.set(80, await listening(t, site));
  router.hosts.set('site.i2p', SITE.base32);
  const ours = await startOurs(`${router.line}forward / 127.0.0.1:4444\n${config}`, {}, limits);
  t.teardown(() => ours.stop());
  return { router, ours, site, proxy: { host: '127.0.0.1', port: ours.port } };
}
