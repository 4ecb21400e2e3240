import { styleText } from 'node:util';
import type {
  Doubt,
  LeaktestResult,
  RoleDoubt,
  SupervisorStatus as Status,
} from '@allium/common/contracts/supervisor.ts';

const STAGES: Readonly<Record<Status['stage'], string>> = {
  looking: 'looking at the containers',
  blocked: 'CLOSED: not connected to the world, because',
  sealed: 'closed, about to open',
  tor: 'connected; waiting for Tor, workstations are still shut out',
  open: 'open',
};

/** Lines for a person. `styleText` leaves out colours where there is no terminal. */
export function renderStatus(status: Status): string {
  const lines = [row('gateway', STAGES[status.stage])];
  if (status.stage === 'looking') {
    return `${[...lines, ...(status.failure === null ? [] : [row('failed', status.failure)])].join('\n')}\n`;
  }
  for (const doubt of status.doubts) lines.push(row('', `- ${doubtText(doubt)}`));
  if (status.needsCompose.length > 0) {
    lines.push(row('', `run: docker compose up -d ${status.needsCompose.join(' ')}`));
  }
  if (status.doubts.length > 0 && status.plugged) lines.push(row('', '- the plug is being pulled'));
  if (status.next.length > 0) lines.push(row('next', status.next.join(', ')));
  if (status.failure !== null) lines.push(row('failed', status.failure));
  if (status.policy !== null) {
    const { name, state, wanted } = status.policy;
    lines.push(row('policy', `${name}, ${state}${wanted === name ? '' : ` (wanted: ${wanted})`}`));
  } else lines.push(row('policy', 'does not answer'));
  lines.push(row('Tor', torText(status)), row('I2P', routerText(status)));
  if (status.relays !== null) lines.push(row('uplink', `may reach ${status.relays} addresses of relays`));
  const broken = Object.entries(status.containers).filter(([, life]) => life !== 'running');
  if (broken.length > 0) {
    lines.push(row('containers', broken.map(([role, life]) => `${role} ${life}`).join(', ')));
  }
  if (status.stage === 'open') lines.push(...useLines(status));
  return `${lines.join('\n')}\n`;
}

/** The address, and each port with what it is for. */
function useLines({ proxy, policy }: Status): string[] {
  const doors = (policy?.doors ?? []).map(({ ports, why }) => row('', `${ports}  ${why}`));
  return [row('use', proxy === '' ? 'the ports' : `HTTP proxy ${proxy}; all ports there:`), ...doors];
}

function row(name: string, text: string): string {
  return `${styleText('bold', name.padEnd(11))}${text}`;
}

/**
 * How far the gateway is, in one line; undefined where there is nothing new to tell. For the output of `docker compose
 * up`: a person sees each step once.
 */
export function progressLine(status: Status): string | undefined {
  switch (status.stage) {
    case 'looking':
      return undefined;
    case 'blocked':
      return `closed: ${status.doubts.map(doubtText).join('; ')}`;
    case 'sealed':
      return 'namespaces sealed, firewall loaded; connecting the uplink';
    case 'tor':
      return `Tor ${torText(status)}`;
    case 'open':
      return status.router?.stage === 'ready'
        ? `READY: HTTP proxy ${status.proxy} for I2P and clearnet; every port: allium status`
        : `open for clearnet: HTTP proxy ${status.proxy}; I2P: ${routerText(status)}`;
  }
}

function torText({ tor }: Status): string {
  return tor === null ? 'does not answer' : `${tor.percent} %  ${tor.summary}`;
}

function routerText({ router, tor }: Status): string {
  if (router === null) return 'the router does not answer';
  if (router.stage === 'ready') return `ready: ${router.tunnels.alive} tunnels, ${router.peers} peers`;
  if (tor?.percent !== 100) return 'waiting for Tor';
  if (router.routers === 0) return `reseed: ${router.reseedBundles} bundles so far`;
  if (router.peers === 0) return `peers: none of ${router.routers} known routers connected yet`;
  return `tunnels: ${router.tunnels.alive} of ${router.tunnels.wanted}, ${router.peers} peers`;
}

function doubtText(doubt: Doubt): string {
  switch (doubt.code) {
    case 'stranger':
      return `${doubt.name} is where only our own containers may be (${doubt.where}); remove it`;
    case 'network-missing':
      return `the network ${doubt.network} is missing`;
    case 'network-not-internal':
      return `the network ${doubt.network} is not internal`;
    case 'policy-silent':
      return 'the firewall (policy) does not answer';
    case 'policy-unasked':
      return 'the rules in force are not the ones we asked for';
    case 'policy-unknown':
      return `there is no policy ${doubt.policy}; choose one: allium policy ${doubt.known.join(' | ')}`;
    case 'relays-unknown':
      return 'Tor does not say which relays it may want to reach';
    case 'uplink-silent':
      return 'the uplink does not answer, or does not take the list of relays';
    case 'policy-doubts':
      return `the firewall doubts: ${doubt.doubts.join(', ')}`;
    default:
      return `${doubt.role}: ${ROLE_TEXTS[doubt.code]}`;
  }
}

const ROLE_TEXTS: Readonly<Record<RoleDoubt, string>> = {
  missing: 'there is no such container',
  'not-running': 'does not run; see docker compose logs',
  duplicate: 'there is more than one; keep one',
  stranded: "lives outside its owner's namespace",
  networks: 'is attached to other networks than it should be',
  unhealthy: 'has not the rules that it made itself, or has a way out',
  starting: 'has just started',
};

/** The verdict of the leak test as a table. */
export function renderLeaktest({ verdict, why, probes, sent, arrived, left }: LeaktestResult): string {
  const width = Math.max(...Object.keys(probes).map((kind) => kind.length));
  const rows = Object.entries(probes).map(([kind, count]) => `${kind.padEnd(width)}  ${count} different`);
  return `${[
    ...rows,
    '',
    `sent ${sent} frames; ${arrived} packets came to the gate, the others fell to this machine’s own bridge rules`,
    `left the uplink: ${left.toRelays} of TCP to relays, ${left.toGate} to the gate, ${left.arp} ARP, ${left.foreign.length} kinds of anything else`,
    ...why.map((line) => `- ${line}`),
    styleText(verdict === 'nothing leaked' ? 'green' : 'red', verdict.toUpperCase()),
  ].join('\n')}\n`;
}
