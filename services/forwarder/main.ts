import { once } from 'node:events';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { serveHealth } from '@allium/common/lifecycle/health.ts';
import { Lifecycle, untilSignal } from '@allium/common/lifecycle/lifecycle.ts';
import { ListenError, parseListenAddress } from '@allium/common/lifecycle/listen.ts';
import { LOG_LEVELS, type LogLevel } from '@allium/common/observe/log-levels.ts';
import { createLogger, type Logger } from '@allium/common/observe/logger.ts';
import { checkConfiguration } from './host/check.ts';
import { startForwarder } from './host/forwarder.ts';
import { loadSecret, StateError, WorkstationKeys } from './host/keys.ts';
import { type Loaded, loadRules } from './host/load.ts';
import { ConfigurationError } from './syntax/notes.ts';

const USAGE = `npm start -w @allium/forwarder -- --config FILE [--gateway FILE] [--state DIR] [--health SOCKET] [--log LEVEL] [--check]
  --config  a Privoxy configuration; its action and filter files are read too
  --gateway what the gateway needs beside it, in the same syntax; lines of --config count more
  --state   folder of the secret that workstations' keys are made with; without it they last as long as the process
  --health  socket path or host:port of GET /health and /status (or allium-health in the file)
  --check   read the configuration (- is the standard input), print what would be ignored, and end; what is refused goes
            to standard error, and the corrected file to standard output
`;

type Options = NonNullable<ReturnType<typeof readOptions>>;

/** Exit codes: 1 configuration or address refused, 2 wrong use. */
async function main(): Promise<number> {
  const options = readOptions();
  if (options === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { config, gateway } = options;
  if (options.check) {
    const { out, err, code } = checkConfiguration(config, gateway);
    process.stdout.write(out);
    process.stderr.write(err);
    return code;
  }
  let loaded = loadRules(config, gateway);
  const logger = createLogger('forwarder', options.level);
  const keys = new WorkstationKeys(options.state === undefined ? undefined : loadSecret(options.state));
  const ended = untilSignal().then(() => 'end' as const);
  const nextHangUp = (): Promise<'again'> => once(process, 'SIGHUP').then(() => 'again');
  let hangUp = nextHangUp();
  for (;;) {
    const lifecycle = await start(loaded, keys, options, logger);
    try {
      if ((await Promise.race([ended, hangUp])) === 'end') return 0;
      hangUp = nextHangUp();
      // With a mistake in it nothing is served, as at the start: neither the old rules nor a part of the new ones.
      loaded = loadRules(config, gateway);
      logger.info('configuration read again');
    } finally {
      const late = await lifecycle.stop();
      logger.info({ late }, 'stopped');
    }
  }
}

async function start(
  loaded: Loaded,
  keys: WorkstationKeys,
  options: Options,
  logger: Logger,
): Promise<Lifecycle> {
  for (const note of loaded.warnings)
    logger.warn({ file: note.file, line: note.line, why: note.why }, 'configuration');
  const lifecycle = new Lifecycle();
  const forwarder = await lifecycle.start('forwarder', () => startForwarder({ loaded, logger, keys }));
  const health = options.health ?? loaded.rules.settings.health;
  if (health !== undefined) {
    await lifecycle.start('health', () =>
      serveHealth(health, { ready: () => true, status: forwarder.status }),
    );
  }
  const listening = forwarder.door.addresses.length + forwarder.socks.addresses.length;
  logger.info({ listening }, 'started');
  return lifecycle;
}

function readOptions():
  | {
      config: string;
      gateway: string | undefined;
      state: string | undefined;
      health: ReturnType<typeof parseListenAddress>;
      level: LogLevel;
      check: boolean;
    }
  | undefined {
  try {
    const { values } = parseArgs({
      options: {
        config: { type: 'string' },
        gateway: { type: 'string' },
        state: { type: 'string' },
        health: { type: 'string' },
        log: { type: 'string', default: 'info' },
        check: { type: 'boolean', default: false },
      },
    });
    const health = values.health === undefined ? undefined : parseListenAddress(values.health);
    const level = LOG_LEVELS.find((known) => known === values.log);
    if (values.config === undefined || level === undefined) return undefined;
    if (values.health !== undefined && health === undefined) return undefined;
    // npm changes into the workspace; names are meant from where the user is.
    const from = process.env.INIT_CWD ?? '.';
    const path = (name: string | undefined): string | undefined => name && resolve(from, name);
    const { check } = values;
    const config = check && values.config === '-' ? '-' : resolve(from, values.config);
    return { config, gateway: path(values.gateway), state: path(values.state), health, level, check };
  } catch {
    return undefined;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const known = [ConfigurationError, ListenError, StateError].some((kind) => error instanceof kind);
  if (!known || !(error instanceof Error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
