import { hostname } from 'node:os';
import { Lifecycle } from '@allium/common/lifecycle/lifecycle.ts';
import type { Service } from '@allium/common/lifecycle/run-service.ts';
import { createLogger } from '@allium/common/observe/logger.ts';
import { serveControl } from './control.ts';
import { DockerEngine } from './docker.ts';
import { NotebookFile } from './notebook-file.ts';
import { PolicyClient } from './policy-client.ts';
import { Progress } from './progress.ts';
import type { Settings } from './settings.ts';
import { Supervisor } from './supervisor.ts';
import { TorControl } from './tor-control.ts';
import { UplinkClient } from './uplink-client.ts';

/** The supervisor with its engine, its clients and its control socket. Throws when the engine does not answer. */
export async function startable(settings: Settings): Promise<Service> {
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
  return {
    start: async () => {
      await lifecycle.start('control', () => serveControl(settings.listen, supervisor));
      await lifecycle.start('loop', () => supervisor.start());
    },
    stop: () => lifecycle.stop(),
  };
}
