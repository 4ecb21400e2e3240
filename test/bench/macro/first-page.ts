import { setTimeout as sleep } from 'node:timers/promises';
import { siteFile } from '../../support/test-network.ts';
import { reasonOf } from '../table.ts';
import type { Place, Running } from './contender.ts';
import { download } from './download.ts';
import { startOf, uptime } from './process-figures.ts';

/** ms until a router that shows no page has failed. */
const DEADLINE_MS = 120_000;
/** ms to the next try, when the last was refused and when it still waits: somebody who is impatient. */
const RETRY_MS = 50;
const IMPATIENCE_MS = 500;
/** ms until a try is given up; i2pd gives up on a LeaseSet after 10 s itself. */
const TRY_MS = 15_000;

/**
 * Seconds from the process's start to the end of the first page that came through it. Tries overlap: a router that
 * holds a request must not be slower for it than one that refuses and is asked again. Throws with the last reason.
 */
export async function firstPage(running: Running, { network }: Place, signal: AbortSignal): Promise<number> {
  const over = new AbortController();
  const deadline = AbortSignal.any([signal, over.signal, AbortSignal.timeout(DEADLINE_MS)]);
  const page = siteFile(network, '/');
  let reason = 'nothing came';
  const attempt = async (): Promise<boolean> => {
    try {
      const limit = AbortSignal.any([deadline, AbortSignal.timeout(TRY_MS)]);
      await download(running.proxy, network.eepsite.origin, page, limit);
      return true;
    } catch (error) {
      if (!deadline.aborted) reason = reasonOf(error);
      return false;
    }
  };
  const { promise: shown, resolve } = Promise.withResolvers<number>();
  const tries = async (): Promise<undefined> => {
    while (!deadline.aborted) {
      const done = attempt().then((came) => {
        if (came) resolve(uptime());
      });
      await Promise.race([done, sleep(IMPATIENCE_MS)]);
      await sleep(RETRY_MS);
    }
    return undefined;
  };
  const trying = tries();
  try {
    const at = await Promise.race([shown, trying, running.pid.then(() => trying)]);
    if (at !== undefined) return at - (await startOf(await running.pid));
    signal.throwIfAborted();
    throw new Error((await running.problem()) ?? `no page within ${DEADLINE_MS / 1000} s; ${reason}`);
  } finally {
    over.abort();
  }
}
