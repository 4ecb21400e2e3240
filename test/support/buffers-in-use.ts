import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Buffers are freed a little after their collection, so the least of three looks counts. */
export function buffersInUse(): number {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < 3; look++) {
    collect();
    least = Math.min(least, process.memoryUsage().arrayBuffers);
  }
  return least;
}
