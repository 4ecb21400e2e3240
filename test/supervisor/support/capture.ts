/**
 * Writes what a real engine answers into ../captured/NAME.json, without what would tell about the machine:
 *   node test/supervisor/support/capture.ts NAME [PROJECT]
 * Ids become `gate…`, addresses of the host and paths go, and of other people's containers only the names stay.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DockerEngine } from '../../../services/supervisor/host/docker.ts';
import { PolicyClient } from '../../../services/supervisor/host/policy-client.ts';
import {
  inspectedSchema,
  listedSchema,
  networkSchema,
} from '../../../services/supervisor/observe/captured.ts';

const [name = 'unnamed', project = 'allium'] = process.argv.slice(2);
const engine = new DockerEngine('/var/run/docker.sock');
const volume = (of: string): string => `/var/lib/docker/volumes/${project}_${of}/_data`;
const seen = await engine.look(project);
const status = (await new PolicyClient(join(volume('policy'), 'control.sock')).status()) as
  | { counters?: unknown }
  | undefined;
const { counters: _, ...policy } = status ?? {};

/** Rows of containers and networks that have nothing to do with the project say nothing. */
const ours = JSON.stringify(seen.inspected);
const listed = seen.listed
  .map((row) => listedSchema.parse(row))
  .filter(({ Labels, HostConfig, Names }) => {
    const owner = /^container:(.+)$/.exec(HostConfig.NetworkMode)?.[1];
    return (
      Labels['com.docker.compose.project'] === project ||
      Names[0]?.includes('stranger') ||
      (owner !== undefined && ours.includes(owner))
    );
  });
const networks = seen.networks
  .map((row) => networkSchema.parse(row))
  .filter(({ Name }) => Name.startsWith(project) || Name.startsWith('stranger') || Name === 'none');
/** Only one capture keeps all that `docker inspect` says, for the blueprints. */
const inspected = name === 'open' ? seen.inspected : seen.inspected.map((row) => inspectedSchema.parse(row));
const captured = {
  project,
  listed,
  networks,
  inspected,
  netns: seen.netns,
  ...(status === undefined ? {} : { policy }),
};

const ids = new Map<string, string>();
const names = new Map([
  ...listed.map(({ Id, Names }) => [Id, (Names[0] ?? '').replace(/^\//, '')] as const),
  ...networks.map(({ Id, Name }) => [Id, Name] as const),
]);
function scrubId(id: string): string {
  const known = ids.get(id);
  if (known !== undefined) return known;
  const made = Buffer.from(names.get(id) ?? `other-${ids.size}`)
    .toString('hex')
    .padEnd(64, '0')
    .slice(0, 64);
  ids.set(id, made);
  return made;
}
let text = JSON.stringify(captured, null, 1);
for (const id of new Set(text.match(/\b[0-9a-f]{64}\b/g) ?? [])) {
  if (!names.has(id)) continue;
  text = text.replaceAll(id, scrubId(id)).replaceAll(id.slice(0, 12), scrubId(id).slice(0, 12));
}
const root = join(import.meta.dirname, '../../..');
text = text.replaceAll(root, '/srv/allium');
const scrubbed = JSON.parse(text, (key, value: unknown) => {
  if (
    [
      'GraphDriver',
      'LogPath',
      'ResolvConfPath',
      'HostnamePath',
      'HostsPath',
      'SandboxID',
      'SandboxKey',
      'EndpointID',
      'Log',
    ].includes(key)
  )
    return undefined;
  if (key === 'Pid') return 0;
  if (key === 'Env') return (value as string[]).filter((entry) => !/CERT/.test(entry));
  return value;
}) as unknown;
writeFileSync(join(import.meta.dirname, '../captured', `${name}.json`), `${JSON.stringify(scrubbed)}\n`);
process.stdout.write(
  `${name}: ${readFileSync(join(import.meta.dirname, '../captured', `${name}.json`)).length} bytes\n`,
);
