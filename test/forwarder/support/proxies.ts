import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createLogger } from '@allium/common/observe/logger.ts';
import type { Limits } from '../../../services/forwarder/host/context.ts';
import { type Forwarder, startForwarder } from '../../../services/forwarder/host/forwarder.ts';
import { loadRules } from '../../../services/forwarder/host/load.ts';
import { missing } from '../../support/debian.ts';
import { freePort } from '../../support/free-port.ts';

export interface RunningProxy {
  readonly port: number;
  stop(): Promise<void>;
}

export interface OurProxy extends RunningProxy {
  readonly forwarder: Forwarder;
}

/** A folder with a main file `config` and further files; removed by the caller. */
export function writeFiles(config: string, files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'allium-forwarder-'));
  for (const [name, text] of Object.entries({ ...files, config })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Our forwarder on a port of the system's choice. */
export async function startOurs(
  config: string,
  files: Readonly<Record<string, string>> = {},
  limits: Partial<Limits> = {},
): Promise<OurProxy> {
  const folder = writeFiles(config, files);
  try {
    const { rules, warnings } = loadRules(join(folder, 'config'));
    const settings = { ...rules.settings, listen: [{ host: '127.0.0.1', port: 0 }] };
    const loaded = { rules: { ...rules, settings }, warnings };
    const forwarder = await startForwarder({ loaded, logger: createLogger('forwarder', 'silent'), limits });
    const [address] = forwarder.door.addresses;
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return { port, forwarder, stop: async () => void (await forwarder.stop()) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const PRIVOXY = ['/usr/sbin/privoxy', '/usr/local/sbin/privoxy'].find((path) => existsSync(path));
const TEMPLATES = '/etc/privoxy/templates';

/** Why the real Privoxy cannot be asked here. */
export function oracleProblem(): string | undefined {
  if (PRIVOXY === undefined) return missing('privoxy');
  return existsSync(TEMPLATES) ? undefined : `${TEMPLATES} is missing`;
}

/** The real Privoxy with the same kind of configuration. */
export async function startPrivoxy(
  config: string,
  files: Readonly<Record<string, string>> = {},
): Promise<RunningProxy & { readonly pid: number }> {
  const port = await freePort();
  const lines = [`listen-address 127.0.0.1:${port}`, `templdir ${TEMPLATES}`, 'logdir .', 'logfile log'];
  const folder = writeFiles(`${lines.join('\n')}\n${config}`, files);
  const child = spawn(PRIVOXY ?? '', ['--no-daemon', join(folder, 'config')], {
    cwd: folder,
    stdio: 'ignore',
  });
  const stop = async (): Promise<void> => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null) {
      child.kill();
      await gone;
    }
    rmSync(folder, { recursive: true });
  };
  await untilListening(port, child).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { port, pid: child.pid ?? 0, stop };
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let round = 0; round < 100; round++) {
    if (child.exitCode !== null) throw new Error(`privoxy ended with code ${child.exitCode}`);
    const up = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('privoxy does not listen');
}
