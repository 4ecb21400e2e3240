/** The supervisor's status as lines that say what has changed. */
import type { SupervisorStatus as Status } from '@allium/common/contracts/supervisor.ts';

/** One line for the gateway, one for Tor, one for I2P; a line that has nothing to say yet is left out. */
export function progressLines(status: Status): string[] {
  const { tor, router } = status;
  const lines = [STAGES[status.stage]];
  if (tor !== null && status.plugged) lines.push(`Tor ${tor.percent} %: ${tor.summary}`);
  if (router !== null && tor?.percent === 100) lines.push(routerLine(router));
  return lines;
}

const STAGES: Readonly<Record<Status['stage'], string>> = {
  looking: 'the supervisor looks at the containers',
  blocked: 'closed: containers and firewall are not complete yet',
  sealed: 'the firewall denies everything; the link to the world is next',
  tor: 'the link to the world is plugged, for Tor only; workstations are still shut out',
  open: 'open: workstations get through',
};

function routerLine(router: NonNullable<Status['router']>): string {
  if (router.stage === 'ready') return 'I2P ready';
  if (router.routers === 0) return 'I2P reseed: no router known yet';
  if (router.peers === 0) return `I2P reseed: ${router.routers} routers known`;
  return `I2P peers: ${router.peers} connected; tunnels: ${router.tunnels.alive} of ${router.tunnels.wanted}`;
}

/** Returns the lines that are not among the last ones. */
export function changes(): (lines: readonly string[]) => string[] {
  let before: readonly string[] = [];
  return (lines) => {
    const fresh = lines.filter((line) => !before.includes(line));
    before = lines;
    return fresh;
  };
}
