import { NetworkClock } from '@allium/router/host/clock.ts';
import type { SimNetwork } from './sim-network.ts';
import type { SimRouter } from './sim-router.ts';

/** As in the host, ms. */
const FOLLOW_EVERY = 1_000;

/** The router's time follows its peers from now on, as the host makes it; its machine's clock is `off` ms wrong. */
export function followPeers(net: SimNetwork, router: SimRouter, off: number): NetworkClock {
  const start = net.now;
  const clock = new NetworkClock(
    () => net.now + off,
    () => net.now - start,
  );
  const follow = (): void => {
    const { moved } = clock.follow(router.node.clockSkew);
    router.clockOffset = clock.now() - net.now;
    if (moved !== 0) router.input({ kind: 'clockCorrected', by: moved });
    net.time.after(FOLLOW_EVERY, follow);
  };
  follow();
  return clock;
}
