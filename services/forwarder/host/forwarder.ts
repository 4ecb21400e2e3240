import { Lifecycle, type Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import type { Logger } from '@allium/common/observe/logger.ts';
import { type Context, DEFAULT_LIMITS, type Limits } from './context.ts';
import { FrontDoor } from './front-door.ts';
import type { Loaded } from './load.ts';
import { RefusedPorts } from './refused-ports.ts';
import { SocksDoors } from './socks-door.ts';
import type { SocksLimits } from './socks-visit.ts';
import { TimeBox } from './time-box.ts';

export interface ForwarderOptions {
  readonly loaded: Loaded;
  readonly logger: Logger;
  readonly limits?: Partial<Limits>;
  readonly socksLimits?: Partial<SocksLimits>;
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
  const context: Context = {
    policy: loaded.policy,
    warnings: loaded.warnings,
    limits: { ...DEFAULT_LIMITS, ...limits },
    timeBox: new TimeBox(loaded.policy.boxed),
    refusedPorts: new RefusedPorts(),
    counters,
    logger,
    now: Date.now,
    random: Math.random,
  };
  const door = new FrontDoor(context);
  const socks = new SocksDoors(context, options.socksLimits);
  const { settings } = loaded.policy;
  const life = new Lifecycle();
  await life.start('http', () => door.start(settings.listen));
  await life.start('socks', () => socks.start(settings.socksDoors));
  const status = (): unknown => ({
    clients: door.clients,
    socksClients: socks.clients,
    forwardRules: settings.forwards.length,
    actionSections: loaded.policy.sections.length,
    warnings: loaded.warnings,
    counters: counters.toJSON(),
  });
  return { door, socks, counters, stop: async () => void (await life.stop()), status };
}
