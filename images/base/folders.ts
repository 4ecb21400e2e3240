/**
 * Prints a script that makes users and the folders of sockets and state, the same in every image: a named volume takes
 * owner and mode from whichever image mounts it first. One socket per folder. Who reaches it needs both the folder (a
 * volume) and its owner's group (Tor refuses a folder of any other group).
 */
import { CONTAINERS, TOPOLOGY } from '../../services/supervisor/observe/topology.ts';

function folder(path: string, owner: number, mode: string): string {
  return `install -d -o ${owner} -g ${owner} -m ${mode} ${path}`;
}

const lines = CONTAINERS.flatMap((name) => {
  const { user, serves, state } = TOPOLOGY[name];
  const shell = '--no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin';
  return [
    ...(user === 0 ? [] : [`groupadd --gid ${user} allium-${name}`]),
    ...(user === 0 ? [] : [`useradd --uid ${user} --gid ${user} ${shell} allium-${name}`]),
    ...serves.map((socket) => folder(`/run/allium/${socket}`, user, '750')),
    ...(state ? [folder(`/var/lib/allium/${name}`, user, '700')] : []),
  ];
});
// The command's socket is in a memory file system of the supervisor's own.
const supervisor = folder('/run/allium/supervisor', TOPOLOGY.supervisor.user, '750');
process.stdout.write(`set -eu\n${[...lines, supervisor].join('\n')}\n`);
