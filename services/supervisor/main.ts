import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import { Lifecycle, untilSignal } from '@allium/common/lifecycle/lifecycle.ts';
import { createLogger } from '@allium/common/observe/logger.ts';
import { serveControl } from './host/control.ts';
import { DockerEngine } from './host/docker.ts';
import { NotebookFile } from './host/notebook-file.ts';
import { PolicyClient } from './host/policy-client.ts';
import { Progress } from './host/progress.ts';
import { loadSettings } from './host/settings.ts';
import { Supervisor } from './host/supervisor.ts';
import { TorControl } from './host/tor-control.ts';
import { UplinkClient } from './host/uplink-client.ts';

const USAGE = 'usage: npm start -w @allium/supervisor -- --config FILE';

async function main(): Promise<number> {
  const file = configFile();
  if (file === undefined) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  try {
    const settings = loadSettings(file);
    const engine = new DockerEngine(settings.docker);
    const project = settings.project ?? (await engine.projectOf(hostname()));
    const lifecycle = new Lifecycle();
    const supervisor = new Supervisor({
      settings,
      project,
      engine,
      policy: new PolicyClient(settings.policy),
      tor: new TorControl(settings.torControl),
      uplink: new UplinkClient(settings.uplink),
      notebook: new NotebookFile(settings.memory, settings.defaultPolicy),
      logger: createLogger('supervisor', settings.log),
      progress: new Progress(
        (line) => process.stdout.write(`${line}\n`),
        () => performance.now(),
      ),
    });
    await lifecycle.start('control', () => serveControl(settings.listen, supervisor));
    await lifecycle.start('loop', () => supervisor.start());
    await untilSignal();
    await lifecycle.stop();
    return 0;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

function configFile(): string | undefined {
  try {
    return parseArgs({ options: { config: { type: 'string' } } }).values.config;
  } catch {
    return undefined;
  }
}

process.exit(await main());
