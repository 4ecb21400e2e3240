import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { loadRules } from '../../services/forwarder/host/load.ts';
import { readPolicies } from '../../services/policy/host/policies.ts';
import { parseSettings } from '../../services/policy/model/settings.ts';
import { loadRouterConfig } from '../../services/router/host/config.ts';
import { CONTAINERS, type Row, TOPOLOGY } from '../../services/supervisor/observe/topology.ts';
import { loadTorFilterConfig } from '../../services/tor-filter/host/config.ts';
import { loadUplinkConfig } from '../../services/uplink/host/config.ts';
import { addressOf, CONTRACT, composeSchema, ownerOfFolder, ROOT, readCompose } from './contract.ts';

const IMAGES = join(ROOT, 'images');
const read = (name: string): string => readFileSync(join(IMAGES, name), 'utf8');
const VERSION = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
const LAN = '10.152.152.10';

const { services } = composeSchema.parse(readCompose());

/** The Dockerfile of a service, and its lines: of the stages that lead to it, last first. */
function recipe(service: string): { readonly file: string; readonly lines: readonly string[] } {
  const build = services[service]?.build;
  const file = build?.dockerfile ?? '';
  const args = build?.args ?? {};
  const stages = readFileSync(join(ROOT, file), 'utf8')
    .split(/^(?=FROM )/m)
    .map((text) => text.replaceAll(/\$\{?(SERVICE)\}?/g, (_, name: string) => args[name] ?? ''));
  const lines: string[] = [];
  for (let stage = stages.at(-1); stage !== undefined; ) {
    lines.push(...stage.split('\n').reverse());
    const parent = /^FROM (\S+)/.exec(stage)?.[1];
    stage = stages.find((other) => other.split('\n')[0]?.endsWith(` AS ${parent}`));
  }
  return { file, lines };
}

for (const [service, contract] of Object.entries(CONTRACT)) {
  test(`the image of ${service} runs as its user, on official bases, under our version, and checks its health locally`, (t) => {
    const { file, lines } = recipe(service);
    const last = (word: string): string => lines.find((line) => line.startsWith(`${word} `)) ?? '';
    t.is(last('USER'), `USER ${contract.user}`);
    const text = readFileSync(join(ROOT, file), 'utf8');
    const stages = [...text.matchAll(/ AS (\S+)$/gm)].map(([, name = '']) => name);
    for (const [, base = ''] of text.matchAll(/^FROM (\S+)/gm)) {
      t.true(['debian:trixie-slim', 'node:26-trixie-slim', '$SERVICE', ...stages].includes(base), base);
    }
    t.true(lines.includes(`ARG ALLIUM_VERSION=${VERSION}`));
    t.is(
      last('LABEL'),
      `LABEL org.opencontainers.image.title=allium-${service} org.opencontainers.image.version=$ALLIUM_VERSION`,
    );
    t.regex(last('HEALTHCHECK'), /CMD \[/);
    t.notRegex(
      last('HEALTHCHECK') + lines.filter((line) => line.startsWith('ENV HEALTH')).join(''),
      /https?:|curl|wget|ping/,
    );
    t.notRegex(text, /^(EXPOSE|VOLUME|ADD) /m);
    // The context is the repository: without this its .git and node_modules would go along.
    t.regex(readFileSync(join(ROOT, `${file}.dockerignore`), 'utf8'), /^\*\n/);
    t.is(services[service]?.image, `allium-${service}:${VERSION}`);
  });
}

test('Node services have one Dockerfile, and each its own stage there: V8 flags, health and arguments stand there alone', (t) => {
  const text = readFileSync(join(ROOT, 'images/node/Dockerfile'), 'utf8');
  const node = CONTAINERS.filter((name) => services[name]?.build?.dockerfile === 'images/node/Dockerfile');
  const stages = [...text.matchAll(/^FROM base AS (\S+)$/gm)].map(([, name = '']) => name);
  t.deepEqual(stages.toSorted(), node.toSorted());
  t.deepEqual(
    node.filter((name) => services[name]?.build?.args?.SERVICE !== name),
    [],
  );
  for (const name of node) {
    const own = text.split(/^(?=FROM )/m).find((stage) => stage.startsWith(`FROM base AS ${name}\n`)) ?? '';
    t.regex(own, /^ENV (?:.* )?HEALTH=\S/m, name);
    t.regex(own, /^CMD \["--config", /m, name);
  }
  t.is(
    [...text.matchAll(/--max-old-space-size/g)].length,
    node.length - 1,
    'the firewall has no bound of V8',
  );
  for (const name of ['compose.yaml', 'images/tor/Dockerfile', 'images/gate/Dockerfile'])
    t.notRegex(readFileSync(join(ROOT, name), 'utf8'), /--max-/);
});

test('every image makes every user, and the folder of every socket and every state for its owner', (t) => {
  const script = execFileSync(process.execPath, [join(IMAGES, 'base/folders.ts')], { encoding: 'utf8' });
  for (const [service, { user, volumes }] of Object.entries(CONTRACT)) {
    const [uid = ''] = user.split(':');
    if (uid !== '0') t.regex(script, new RegExp(`^useradd --uid ${uid} .* allium-${service}$`, 'm'));
    for (const mount of volumes.filter(
      (mount) => mount.includes(':/run/allium/') || mount.includes(':/var/lib/'),
    )) {
      const path = mount.split(':')[1] ?? '';
      const owner = ownerOfFolder(path.replace('/run/allium/', ''))?.user ?? uid;
      const mode = path.startsWith('/var/') ? '700' : '750';
      t.true(script.includes(`\ninstall -d -o ${owner} -g ${owner} -m ${mode} ${path}\n`), path);
    }
  }
  t.notThrows(() => execFileSync('sh', ['-n'], { input: script }));
});

const policySettings = parseSettings('policy.yaml', read('policy/policy.yaml'));

test('policy, uplink and Tor mean the same addresses, ports and user as compose.yaml', (t) => {
  const networks = (
    parse(readFileSync(join(ROOT, 'compose.yaml'), 'utf8'), { merge: true }) as {
      networks: Record<string, { ipam?: { config: { subnet: string }[] } }>;
    }
  ).networks;
  for (const side of ['lan', 'up'] as const) {
    const { address, subnet } = policySettings[side];
    t.deepEqual(addressOf('gate', side), address);
    t.is(networks[side]?.ipam?.config[0]?.subnet, `${subnet.addr}/${subnet.len}`);
  }
  t.is(policySettings.tor.uid, Number(CONTRACT.tor?.user.split(':')[0]));
  const uplink = loadUplinkConfig(join(IMAGES, 'uplink/uplink.yaml'));
  const { address, port } = policySettings.uplink;
  t.deepEqual(uplink.listen, { host: address, port });
  t.is(addressOf('fence', 'up'), address);
  t.is(uplink.client, policySettings.up.address);
  t.false(uplink.allowPrivateAddresses);
  t.regex(read('tor/torrc'), new RegExp(`^HTTPSProxy ${address}:${port}$`, 'm'));
});

test('the router goes out through Tor’s socket only, on the public network, without test switches', (t) => {
  const config = loadRouterConfig(join(IMAGES, 'router/router.yaml'));
  t.deepEqual(config.tor.socks, { path: '/run/allium/tor-socks/socks' });
  t.deepEqual(config.streams?.listen, { path: '/run/allium/router-streams/streams.sock' });
  t.deepEqual(config.names?.listen, { path: '/run/allium/router-streams/names.sock' });
  t.is(config.netId, 2);
  t.regex(read('tor/torrc'), /^SocksPort unix:\/run\/allium\/tor-socks\/socks .*IsolateSOCKSAuth/m);
});

test('the forwarder sends .i2p to the router, the rest to Tor, and nothing anywhere else', (t) => {
  const { rules, warnings } = loadRules(join(IMAGES, 'forwarder/config'), join(IMAGES, 'forwarder/gateway'));
  t.deepEqual(warnings, []);
  const ways = rules.settings.forwards.map(({ pattern, way }) => [
    pattern.source,
    way.i2p === true ? 'i2p' : (way.http ?? way.socks?.endpoint),
  ]);
  t.deepEqual(ways, [
    ['/', { host: '127.0.0.1', port: 9050 }],
    ['.i2p', 'i2p'],
  ]);
  t.deepEqual(rules.settings.router, {
    streams: '/run/allium/router-streams/streams.sock',
    names: '/run/allium/router-streams/names.sock',
  });
  t.deepEqual(rules.settings.listen, [
    { host: LAN, port: 8_118 },
    { host: LAN, port: 4_444 },
  ]);
  t.deepEqual(
    rules.settings.access.map(({ permit, from }) => [permit, from.address, from.prefix]),
    [[true, policySettings.lan.subnet.addr, policySettings.lan.subnet.len]],
  );
  t.deepEqual(rules.settings.socksDoors, [
    { listen: { host: LAN, port: 9_150 }, tor: { host: '127.0.0.1', port: 9_150 } },
    { listen: { host: LAN, port: 4_447 } },
  ]);
});

test('the forwarder keeps the secret of workstations’ keys', (t) => {
  const arguments_ = recipe('forwarder').lines.find((line) => line.startsWith('CMD ')) ?? '';
  t.regex(arguments_, /"--gateway", "\/etc\/allium\/forwarder\/gateway"/);
  t.regex(arguments_, /"--state", "\/var\/lib\/allium\/forwarder"/);
});

test('the filtered control port listens on the LAN and asks Tor’s own control socket', (t) => {
  const config = loadTorFilterConfig(join(IMAGES, 'tor-filter/tor-filter.yaml'));
  t.deepEqual(config.listen, { host: LAN, port: 9_051 });
  t.is(config.tor, '/run/allium/tor-control/control');
});

/** Ports on the LAN address in torrc, by protocol. */
function torPorts(): { tcp: number[]; udp: number[]; text: string } {
  const text = read('tor/torrc');
  const ports = (kind: RegExp): number[] =>
    [...text.matchAll(kind)].map(([, port]) => Number(port)).toSorted((a, b) => a - b);
  return {
    text,
    tcp: ports(
      new RegExp(`^(?:SocksPort|HTTPTunnelPort|TransPort) ${LAN.replaceAll('.', '\\.')}:(\\d+)`, 'gm'),
    ),
    udp: ports(new RegExp(`^DNSPort ${LAN.replaceAll('.', '\\.')}:(\\d+)`, 'gm')),
  };
}

/** Doors that are not Tor's: the forwarder's and the filtered control port's. */
const OTHERS = [8118, 4444, 9150, 4447, 9051];

test('Tor listens behind every door and capture of leak-proof that is meant for it, and nowhere else', (t) => {
  const policy = readPolicies(join(ROOT, 'policies')).find(({ name }) => name === 'leak-proof');
  const doors = (protocol: 'tcp' | 'udp'): number[] =>
    (policy?.doors ?? [])
      .filter((door) => door.protocol === protocol)
      .flatMap(({ ports }) =>
        ports.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i)),
      );
  const captures = (policy?.captures ?? []).filter(({ protocol }) => protocol === 'tcp').map(({ to }) => to);
  const meant = [...doors('tcp'), ...captures].filter((port) => !OTHERS.includes(port));
  const { tcp, udp } = torPorts();
  t.deepEqual(
    tcp,
    [...new Set(meant)].toSorted((a, b) => a - b),
  );
  t.deepEqual(udp, doors('udp'));
});

test('Tor’s isolation is Whonix’s, and it listens on nothing but the LAN address, Unix sockets, and the loopback for the forwarder', (t) => {
  const { text } = torPorts();
  const flags = (port: number): string =>
    new RegExp(`10\\.152\\.152\\.10:${port}(.*)$`, 'm').exec(text)?.[1]?.trim() ?? 'none';
  for (const port of [9050, 9100, 9104, 9111, 9122, 9125, 9152, 9159, 9190, 9199])
    t.is(flags(port), '', String(port));
  for (const port of [9101, 9103, 9105, 9110, 9114, 9115, 9117, 9118, 9180, 9189, 9220, 9229])
    t.is(flags(port), 'IsolateDestAddr IsolateDestPort', String(port));
  for (const port of [9160, 9169, 9200, 9209]) t.is(flags(port), 'IsolateDestAddr', String(port));
  for (const port of [9170, 9179, 9210, 9219]) t.is(flags(port), 'IsolateDestPort', String(port));
  t.regex(text, /^SocksPort 127\.0\.0\.1:9050 IsolateSOCKSAuth IsolateDestAddr$/m);
  t.regex(
    text,
    /^SocksPort 127\.0\.0\.1:9150 IsolateSOCKSAuth KeepAliveIsolateSOCKSAuth PreferIPv6 ExtendedErrors$/m,
  );
  for (const [line] of text.matchAll(/^(?:Socks|HTTPTunnel|Trans|DNS|Control)(?:Port|Socket) .*$/gm)) {
    t.regex(
      line,
      /^\w+ (?:10\.152\.152\.10:\d+|127\.0\.0\.1:(?:9050|9150)|unix:\/run\/allium\/tor-[a-z]+\/)/,
    );
  }
});

test('the gate’s image holds nothing that could do more than seal and wait', (t) => {
  const script = read('gate/entrypoint.sh');
  t.regex(
    script,
    /RULES=\$\{1:-\/etc\/allium\}[\s\S]*nft -j -f "\$RULES\/sealed\.json"\nwires \| nft -f -\n/,
  );
  t.true(script.indexOf('nft -j -f') < script.indexOf('ip route del default'));
  t.regex(script, /exec sleep infinity\n$/);
  const installed = /install -y -q --no-install-recommends ([a-z0-9 ]+) &&/.exec(
    read('gate/Dockerfile'),
  )?.[1];
  t.is(installed, 'nftables iproute2');
});

test('every image has its folder and every folder its image', (t) => {
  const folders = readdirSync(IMAGES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  t.deepEqual(
    folders.map(({ name }) => name).toSorted(),
    ['base', 'node', ...Object.keys(CONTRACT)].toSorted(),
  );
});

test('the table of the README is the topology', (t) => {
  const rows = [...read('README.md').matchAll(/^\| ([a-z-]+) \| (.+) \| (\d+) \| (.+) \| (.+) \|$/gm)].map(
    ([, name = '', net = '', user, caps, held]) => [name, net.split(';')[0], user, caps, held],
  );
  t.deepEqual(
    rows,
    CONTAINERS.map((name) => [name, ...told(TOPOLOGY[name])]),
  );
});

function told({ namespace, networks, user, capabilities, serves, reaches, state, engine }: Row): string[] {
  const own = Object.entries(networks ?? {}).map(([network, address]) => `\`${network}\` ${address}`);
  const where = { own: `owns ${own.join(', ')}`, none: 'none', host: "the machine's own" };
  const held = [
    ...[...serves, ...reaches].map((folder) => `\`${folder}\``),
    ...(state ? ['its state'] : []),
    ...(engine === true ? ["Docker's socket"] : []),
  ];
  return [
    namespace === 'gate' || namespace === 'fence' ? `the ${namespace}'s` : where[namespace],
    String(user),
    capabilities.join(', ') || 'none',
    held.join(', ') || 'nothing',
  ];
}
