import { existsSync } from 'node:fs';
import { absolutePath } from '@allium/common/config/fields.ts';
import { loadConfig } from '@allium/common/config/load.ts';
import { LOG_LEVELS } from '@allium/common/observe/log-levels.ts';
import { z } from 'zod';

const schema = z.strictObject({
  /** our own control socket, for the `allium` command */
  listen: absolutePath,
  /** folder for what must outlive us: how each container was made, the wanted policy */
  memory: absolutePath,
  docker: absolutePath.default('/var/run/docker.sock'),
  /** control socket of the policy service */
  policy: absolutePath,
  torControl: absolutePath,
  /** control socket of the uplink */
  uplink: absolutePath,
  /** health socket of the router */
  routerStatus: absolutePath,
  /** shown to the person when everything is ready */
  proxy: z.string().default(''),
  /** policy that is wanted until `allium policy NAME` names another */
  defaultPolicy: z.string().default('leak-proof'),
  /** compose project; by default the one that our own container belongs to */
  project: z.string().optional(),
  /** name of the network to the world, if it is not the project's own `ext` */
  ext: z.string().optional(),
  /** ms without change before repairs begin: compose or a person may be at work */
  patience: z.int().min(0).default(5_000),
  /** of the JSON on standard error; a person reads each step on standard output */
  log: z.enum(LOG_LEVELS).default('warn'),
});
export type Settings = z.output<typeof schema>;

/** Throws `ConfigError` with file, line and what is allowed. */
export function loadSettings(file: string): Settings {
  return loadConfig(file, schema);
}

/** What is allowed and may well be a mistake. */
export function doubtsOf({ docker, memory, ext }: Settings): string[] {
  return [
    existsSync(docker) ? undefined : `docker: ${docker} is not there`,
    existsSync(memory) ? undefined : `memory: ${memory} is not there`,
    ext === undefined ? undefined : `ext: ${ext} is made by somebody else, who may take it away`,
  ].filter((doubt) => doubt !== undefined);
}
