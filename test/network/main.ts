/** node test/network/main.ts up|down|status|logs ROLE|restart ROLE */

import { ROLES } from './layout.ts';
import { down, logs, restart, status, up } from './network.ts';
import { cannotRun } from './prepare.ts';

const USAGE = `usage: node test/network/main.ts up [--replace] | down | status | logs ROLE | restart ROLE\nroles: ${ROLES.join(' ')}`;

/** Returns the exit code. */
async function main(command: string | undefined, argument: string | undefined): Promise<number> {
  const problem = await cannotRun();
  if (problem !== undefined) {
    console.error(problem);
    return 1;
  }
  const role = ROLES.find((one) => one === argument);
  switch (command) {
    case 'up':
      console.log(JSON.stringify(await up(argument === '--replace' ? { replace: true } : {}), null, 2));
      return 0;
    case 'down':
      await down();
      return 0;
    case 'status':
      for (const line of await status()) console.log(line);
      return 0;
    case 'logs':
      if (role === undefined) break;
      process.stdout.write(await logs(role));
      return 0;
    case 'restart':
      if (role === undefined) break;
      await restart(role);
      return 0;
    default:
  }
  console.error(USAGE);
  return 2;
}

try {
  process.exitCode = await main(process.argv[2], process.argv[3]);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
