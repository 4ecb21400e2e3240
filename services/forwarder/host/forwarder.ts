import { randomBytes } from 'node:crypto';
import { Lifecycle, type Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import type { Logger } from '@allium/common/observe/logger.ts';
import { type Context, DEFAULT_LIMITS, type Limits } from './context.ts';
import { FrontDoor } from './front-door.ts';
import { I2pSites } from './i2p-sites.ts';
import { WorkstationKeys } from './keys.ts';
import type { SocksLimits } from './limits.ts';
import type { Loaded } from './load.ts';
import { RouterNames } from './names.ts';
import { RefusedPorts } from './refused-ports.ts';
import { ServiceDoors } from './service-doors.ts';
import { SocksDoors } from './socks-door.ts';
import { TimeBox } from './time-box.ts';

export interface ForwarderOptions {
  readonly loaded: Loaded;
  readonly logger: Logger;
  readonly limits?: Partial<Limits>;
  readonly socksLimits?: Partial<SocksLimits>;
  /** what the router tells workstations by; made up when absent */
  readonly keys?: WorkstationKeys;
}

export interface Forwarder {
  readonly door: FrontDoor;
  readonly socks: SocksDoors;
  readonly counters: Counters;
  readonly stop: Stop;
  /** counts only; no names and no addresses of workstations */
  readonly status: () => unknown;
}

/** Opens all listen addresses. Throws `ListenError`. */
export async function startForwarder(options: ForwarderOptions): Promise<Forwarder> {
  const { loaded, logger, limits } = options;
  const counters = new Counters();
  const { settings } = loaded.rules;
  const keys = options.keys ?? new WorkstationKeys();
  const life = new Lifecycle();
  const { router } = settings;
  const names = router && new RouterNames(router.names, Date.now);
  if (names !== undefined) life.add('names', () => names.stop());
  const context: Context = {
    rules: loaded.rules,
    warnings: loaded.warnings,
    limits: { ...DEFAULT_LIMITS, ...limits },
    timeBox: new TimeBox(loaded.rules.boxed),
    refusedPorts: new RefusedPorts(),
    i2p:
      router &&
      names &&
      new I2pSites({ streams: router.streams, names, keys, random: randomBytes, now: Date.now }),
    counters,
    logger,
    now: Date.now,
    random: Math.random,
  };
  const door = new FrontDoor(context);
  const serveHttp: FrontDoor['serveInside'] = (client, authority) => door.serveInside(client, authority);
  const socks = new SocksDoors(context, serveHttp, options.socksLimits);
  await life.start('http', () => door.start(settings.listen));
  await life.start('socks', () => socks.start(settings.socksDoors));
  const { services } = settings;
  const visits =
    router && services.length > 0
      ? new ServiceDoors({ streams: router.streams, services, counters, logger })
      : undefined;
  if (visits !== undefined) life.add('services', () => visits.stop());
  const status = (): unknown => ({
    clients: door.clients,
    socksClients: socks.clients,
    visitors: visits?.open ?? 0,
    forwardRules: settings.forwards.length,
    actionSections: loaded.rules.sections.length,
    warnings: loaded.warnings,
    counters: counters.toJSON(),
  });
  return { door, socks, counters, stop: async () => void (await life.stop()), status };
}
