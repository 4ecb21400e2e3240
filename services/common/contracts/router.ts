import { z } from 'zod';

const side = z.object({ alive: z.number(), wanted: z.number() });

/** `GET /status` of the router's health socket: the part that others read. */
export const routerStatus = z.object({
  /** what it is working at, `ready` at last */
  stage: z.string(),
  sessions: z.object({ connected: z.number() }),
  netdb: z.object({ routers: z.number() }),
  reseed: z.object({ bundles: z.number() }),
  tunnels: z.object({ pools: z.record(z.string(), z.object({ inbound: side, outbound: side })) }),
});
export type RouterStatus = z.output<typeof routerStatus>;
