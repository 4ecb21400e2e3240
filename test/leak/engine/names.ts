import { inContainer, roles } from './appliance.ts';
import { UPLINK } from './host-watch.ts';
import { HOST_ADDRESSES, type Rig } from './rig.ts';
import { RESOLVERS } from './second-engine.ts';

export interface Asked {
  readonly from: string;
  readonly resolver: string;
  readonly result: unknown;
}

/** The one container in the host's own namespace: a packet there is one of the host. */
const IN_THE_HOST = 'hostguard';

/** Everybody asks everybody whom one could ask for a name: Docker's own resolver, the host, the Internet. */
export async function askAround(rig: Rig): Promise<readonly Asked[]> {
  const resolvers = ['127.0.0.11', '127.0.0.1', ...HOST_ADDRESSES, ...Object.values(RESOLVERS), UPLINK];
  const asked: Promise<Asked>[] = [];
  for (const from of (await roles()).filter((role) => role !== IN_THE_HOST)) {
    const agent = rig.agent(await inContainer(from));
    for (const resolver of resolvers) {
      asked.push(agent.ask(resolver, 53, 1_500).then((result) => ({ from, resolver, result })));
    }
  }
  return await Promise.all(asked);
}
