/** The test network of test/network, as the test files and their runner use it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { netDirectory, SHARED } from '../network/layout.ts';
import { down, status, type TestNetwork, up } from '../network/network.ts';
import { cannotRun } from '../network/prepare.ts';
import type { SiteFile, SitePath } from '../network/site-content.ts';

/** Why tests against real daemons cannot run on this machine, as a sentence; undefined when they can. */
export const engineProblem = cannotRun;

/** Brings the network up for a run of tests. A network that a person had up before is left up. */
export async function bringNetworkUp(): Promise<{ readonly down: () => Promise<void> }> {
  const wasUp = (await status()).every((line) => line.endsWith('running'));
  await up();
  const keep = wasUp && process.env.CI !== 'true';
  return { down: keep ? async () => {} : down };
}

/** The network that is up. Throws, with what to do, when there is none. */
export async function testNetwork(): Promise<TestNetwork> {
  const file = join(netDirectory(), SHARED.description);
  try {
    return JSON.parse(await readFile(file, 'utf8')) as TestNetwork;
  } catch (cause) {
    throw new Error('these tests need the test network: first run `node test/network/main.ts up`', { cause });
  }
}

export function siteFile(network: TestNetwork, path: SitePath): SiteFile {
  const found = network.eepsite.files.find((file) => file.path === path);
  if (found === undefined) throw new Error(`the eepsite has no ${path}`);
  return found;
}
