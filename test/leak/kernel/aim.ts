import { GATE, GATE_UP, type Lab, UPLINK, WORKSTATION, WORLD } from '../../netns/support/lab.ts';
import type { Aim } from '../probes/probe.ts';

/** The workstation's probes of this lab. Its outside answers for every address, so also for a host's. */
export function aimOf(lab: Lab): Aim {
  return {
    macs: { from: lab.mac(lab.ws, 'ws0'), to: lab.mac(lab.gate, 'lan0') },
    own: WORKSTATION,
    gate: GATE,
    gateUp: GATE_UP,
    uplink: UPLINK,
    upBroadcast: '172.31.99.7',
    lanBroadcast: '10.152.191.255',
    world: WORLD,
    hosts: ['10.152.128.1', '172.31.99.1'],
  };
}
