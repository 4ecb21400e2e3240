import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { decode, encode } from '@allium/common/bytes/codec.ts';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import { toBase64 } from '@allium/common/bytes/text.ts';
import type { RouterStatus } from '@allium/common/contracts/router.ts';
import { serveHealth } from '@allium/common/lifecycle/health.ts';
import { Lifecycle } from '@allium/common/lifecycle/lifecycle.ts';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import { createLogger, type Logger } from '@allium/common/observe/logger.ts';
import { Naming } from '../client/naming.ts';
import { base32Name } from '../client/target.ts';
import { RouterNode } from '../node/router-node.ts';
import type { NodeStatus } from '../node/status.ts';
import { createDestinationKeys, type DestinationKeys, destinationKeysCodec } from '../wire/destination.ts';
import { createRouterKeys, routerKeysCodec } from '../wire/router-keys.ts';
import { startHttpProxy } from './client/http-proxy.ts';
import { ServerTunnel } from './client/server-tunnel.ts';
import { startSocksServer } from './client/socks-server.ts';
import { NetworkClock } from './clock.ts';
import type { RouterConfig, ServerTunnelConfig } from './config.ts';
import { DestinationDialer } from './dialer.ts';
import { Driver } from './driver.ts';
import { readHosts } from './hosts.ts';
import type { I2pStream } from './i2p-stream.ts';
import { loadOrCreateKeys } from './key-file.ts';
import { reseed } from './reseed.ts';
import { openStore, type Store } from './store.ts';
import { Terminal } from './terminal.ts';

/** Local Destination that the HTTP and SOCKS proxies share; its keys live as long as the process. */
const PROXY = 'proxy';
/** How often the terminal is told what changed, in ms. */
const REPORT_MS = 1_000;
/** So many peers refused our time before the person is told; one wrong clock would be theirs. */
const SKEWED_PEERS = 3;
/** Peers' clocks differ from ours by so much (ms) before ours is corrected. */
const SKEW_TOLERANCE_MS = 5_000;

/** The router as a process: node, sockets, disk, local protocols and what a person sees of them. */
export class Router {
  readonly #config: RouterConfig;
  readonly #log: Logger;
  readonly #terminal: Terminal;
  readonly #life = new Lifecycle();
  readonly #clock = new NetworkClock();
  readonly #store: Store;
  readonly #node: RouterNode;
  readonly #driver: Driver;
  readonly #stopping = new AbortController();
  readonly #tunnels = new Map<string, ServerTunnel>();
  readonly #ready = new Set<string>();
  #reseeding = false;
  #reseedState: { bundles: number; failed: Record<string, number>; routers: number } = {
    bundles: 0,
    failed: {},
    routers: 0,
  };

  constructor(config: RouterConfig, terminal = new Terminal()) {
    this.#config = config;
    this.#terminal = terminal;
    this.#log = createLogger('router', config.logLevel);
    const keys = loadOrCreateKeys(join(config.dataDir, 'router.keys'), routerKeysFile, () =>
      createRouterKeys(randomBytes),
    );
    this.#store = openStore(config.dataDir);
    this.#node = new RouterNode(
      { ...config, exploratory: { length: Math.min(2, config.tunnels.length), quantity: 2 } },
      keys,
      randomBytes,
    );
    this.#driver = new Driver({
      node: this.#node,
      proxy: config.tor.socks,
      store: this.#store,
      clock: this.#clock,
      events: {
        needReseed: (known) => void this.#reseed(known),
        destinationReady: (name, ready) => this.#destinationReady(name, ready),
        incoming: (destination, stream) => this.#incoming(destination, stream),
      },
    });
  }

  /** Throws `ListenError`, `KeyFileError`, `HostsFileError`: nothing is left running then. */
  async start(): Promise<void> {
    const { config, life } = { config: this.#config, life: this.#life };
    life.add('store', () => this.#store.close());
    life.add('driver', () => this.#driver.stop());
    const hosts = config.hosts === undefined ? undefined : readHosts(config.hosts);
    const naming = new Naming(hosts);
    const dialer = new DestinationDialer(this.#driver, PROXY, () => this.#ready.has(PROXY));
    if (config.health) {
      const source = { ready: () => this.#isReady(), status: () => this.status() };
      await life.start('health', () => serveHealth(config.health?.listen as ListenAddress, source));
    }
    if (config.http) {
      const { listen } = config.http;
      await life.start('http', () => startHttpProxy(listen, { dialer, naming, random: randomBytes }));
    }
    if (config.socks) {
      const { listen } = config.socks;
      await life.start('socks', () => startSocksServer(listen, { dialer, naming }));
    }
    this.#terminal.stage('tor', 'asking for a way to the first peers');
    this.#driver.start();
    if (config.http || config.socks) this.#open(PROXY, createDestinationKeys(randomBytes), false);
    for (const tunnel of config.serverTunnels) this.#openServer(tunnel);
    const report = setInterval(() => this.#report(), REPORT_MS);
    life.add('report', () => clearInterval(report));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#driver.feed({ kind: 'stop' });
    const late = await this.#life.stop();
    if (late.length > 0) this.#log.warn({ late }, 'parts did not stop in time');
  }

  status(): NodeStatus & RouterStatus & { store: object; clock: object } {
    return {
      ...this.#node.status(),
      reseed: this.#reseedState,
      store: this.#store.counters.toJSON(),
      clock: { correctionMs: this.#clock.correction },
    };
  }

  #isReady(): boolean {
    return this.#node.status().stage === 'ready';
  }

  #open(name: string, keys: DestinationKeys, publish: boolean): void {
    const { length, quantity } = this.#config.tunnels;
    this.#driver.feed({ kind: 'openDestination', name, options: { keys, publish, length, quantity } });
  }

  #openServer(tunnel: ServerTunnelConfig): void {
    const name = `server-${tunnel.name}`;
    const keys = loadOrCreateKeys(tunnel.keys, destinationKeysFile, () => createDestinationKeys(randomBytes));
    this.#tunnels.set(name, new ServerTunnel({ mode: tunnel.mode, target: tunnel.target }));
    this.#life.add(name, () => this.#tunnels.get(name)?.stop());
    this.#open(name, keys, true);
    this.#driver.feed({ kind: 'stream', destination: name, command: { kind: 'listen', port: 0 } });
    this.#terminal.stage('site', `${tunnel.name} is ${base32Name(keys.destination.hash)}`);
  }

  #incoming(destination: string, stream: I2pStream): void {
    const tunnel = this.#tunnels.get(destination);
    if (!tunnel || !stream.destination) return void stream.destroy();
    const { hash, raw } = stream.destination;
    tunnel.accept({ stream, remote: { hash, b32: base32Name(hash), base64: toBase64(raw) } });
  }

  #destinationReady(name: string, ready: boolean): void {
    if (ready) this.#ready.add(name);
    else this.#ready.delete(name);
    this.#log.info(
      { ready: this.#ready.size },
      ready ? 'destination has tunnels' : 'destination lost its tunnels',
    );
    this.#report();
  }

  async #reseed(known: number): Promise<void> {
    if (this.#reseeding) return;
    this.#reseeding = true;
    const state = this.#reseedState;
    try {
      const routerInfos = await reseed({
        ...this.#config.reseed,
        rules: this.#config,
        proxy: this.#config.tor.socks,
        random: randomBytes,
        now: () => this.#clock.now(),
        signal: this.#stopping.signal,
        progress: ({ got, wanted, failed }) => {
          state.bundles = got;
          if (failed !== undefined) state.failed[failed] = (state.failed[failed] ?? 0) + 1;
          this.#terminal.stage(
            'reseed',
            failed === undefined ? `${got}/${wanted}` : `${got}/${wanted} (${failed})`,
          );
        },
      });
      state.routers = routerInfos.length;
      if (routerInfos.length > known) this.#terminal.stage('reseed', `${routerInfos.length} routers`);
      this.#driver.feed({ kind: 'reseeded', routerInfos });
    } catch (error) {
      const code = error instanceof GatewayError ? error.code : 'unknown';
      state.failed[code] = (state.failed[code] ?? 0) + 1;
      this.#terminal.stage('reseed', `failed (${code}), trying again`);
      this.#log.warn({ code }, 'reseed failed');
    } finally {
      this.#reseeding = false;
    }
  }

  #report(): void {
    if (this.#stopping.signal.aborted) return;
    this.#correctClock();
    const { stage, sessions, netdb, tunnels } = this.#node.status();
    if (sessions.connected === 0 && sessions.skewed >= SKEWED_PEERS) {
      return this.#terminal.stage('clock', "peers refuse this machine's time: set its clock");
    }
    if (stage === 'tor')
      return this.#terminal.stage('tor', `${sessions.open} dials, ${netdb.usable} routers known`);
    if (stage === 'peers') return this.#terminal.stage('peers', `none of ${netdb.usable} connected`);
    if (stage === 'ready') {
      const wish = this.#config.http ?? this.#config.socks;
      return this.#terminal.stage(
        'ready',
        wish ? `proxy at ${textOf(wish.listen)}` : 'all Destinations have tunnels',
      );
    }
    const pools = Object.values(tunnels.pools);
    const alive = pools.reduce((sum, pool) => sum + pool.inbound.alive + pool.outbound.alive, 0);
    const wanted = pools.reduce((sum, pool) => sum + pool.inbound.wanted + pool.outbound.wanted, 0);
    if (alive > 0) this.#terminal.stage('tunnels', `${alive}/${wanted}`);
    else this.#terminal.stage('peers', `${sessions.connected} connected of ${netdb.usable} known`);
  }

  #correctClock(): void {
    const skew = this.#node.clockSkew;
    if (skew === undefined || Math.abs(skew) < SKEW_TOLERANCE_MS) return;
    if (this.#clock.correct(skew)) this.#driver.feed({ kind: 'clockCorrected' });
    else this.#log.error({ skewMs: skew }, "the machine's clock is wrong: set it");
  }
}

const routerKeysFile = {
  encode: (keys: Parameters<typeof routerKeysCodec.size>[0]) => encode(routerKeysCodec, keys),
  decode: (bytes: Uint8Array) => decode(routerKeysCodec, bytes),
};

const destinationKeysFile = {
  encode: (keys: DestinationKeys) => encode(destinationKeysCodec, keys),
  decode: (bytes: Uint8Array) => decode(destinationKeysCodec, bytes),
};

function textOf(address: ListenAddress): string {
  return 'path' in address ? address.path : `${address.host}:${address.port}`;
}
