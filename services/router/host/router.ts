import { randomBytes } from 'node:crypto';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import type { RouterStatus } from '@allium/common/contracts/router.ts';
import { serveHealth } from '@allium/common/lifecycle/health.ts';
import { Lifecycle } from '@allium/common/lifecycle/lifecycle.ts';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import { createLogger, type Logger } from '@allium/common/observe/logger.ts';
import { AddressBook } from '../names/address-book.ts';
import { base32Name } from '../names/destination-text.ts';
import type { NameChange } from '../names/learnt-names.ts';
import type { DestinationId } from '../node/node-io.ts';
import { RouterNode } from '../node/router-node.ts';
import { createDestinationKeys, type DestinationKeys } from '../wire/destination.ts';
import { identityOf } from '../wire/identity.ts';
import { createRouterKeys } from '../wire/router-keys.ts';
import { startNamesServer } from './client/names-server.ts';
import { ServiceDesk } from './client/service-desk.ts';
import { startStreamsServer } from './client/streams-server.ts';
import { NetworkClock } from './clock.ts';
import type { RouterConfig, ServiceConfig } from './config.ts';
import { makeDataDir } from './data-dir.ts';
import { DestinationDialer } from './dialer.ts';
import { Driver } from './driver.ts';
import { HostsWatch } from './hosts.ts';
import type { I2pStream } from './i2p-stream.ts';
import { loadDestinationKeys } from './keys.ts';
import { EventLoopLag } from './lag.ts';
import { reseed } from './reseed.ts';
import { openStore, type Store } from './store.ts';
import { Terminal } from './terminal.ts';

/** Local Destination whose streams are those of every key; its keys live as long as the process. */
const SHARED: DestinationId = 1;
/** The local Destination of the first service; the others follow in the order of the configuration. */
const FIRST_SERVICE: DestinationId = 2;
/** How often the terminal is told what changed, in ms. */
const REPORT_MS = 1_000;
/** So many peers refused our time before the person is told; one wrong clock would be theirs. */
const SKEWED_PEERS = 3;

interface Service {
  readonly name: string;
  readonly keys: DestinationKeys;
}

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
  readonly #lag = new EventLoopLag();
  readonly #book = new AddressBook();
  readonly #desk = new ServiceDesk(() => performance.now());
  #hosts: HostsWatch | undefined;
  readonly #ready = new Set<DestinationId>();
  #reseeding = false;
  #wrongClockTold = false;
  #reseedState: { bundles: number; failed: Record<string, number>; routers: number } = {
    bundles: 0,
    failed: {},
    routers: 0,
  };

  constructor(config: RouterConfig, terminal = new Terminal()) {
    this.#config = config;
    this.#terminal = terminal;
    this.#log = createLogger('router', config.logLevel);
    makeDataDir(config.dataDir);
    this.#store = openStore(config.dataDir);
    this.#node = new RouterNode(
      { ...config, exploratory: { length: Math.min(2, config.tunnels.length), quantity: 2 } },
      createRouterKeys(randomBytes),
      randomBytes,
    );
    this.#driver = new Driver({
      node: this.#node,
      proxy: config.tor.socks,
      store: this.#store,
      clock: this.#clock,
      events: {
        needReseed: (known, stranded) => void this.#reseed(known, stranded),
        destinationReady: (destination, ready) => this.#destinationReady(destination, ready),
        fault: (culprit, error) => {
          this.#log.error({ culprit, fault: error instanceof Error ? error.stack : String(error) }, 'fault');
        },
        incoming: (destination, stream, port) => this.#incoming(destination, stream, port),
      },
    });
  }

  /** Throws `ListenError`, `KeyFileError`, `HostsFileError`: nothing is left running then. */
  async start(): Promise<void> {
    const { config, life } = { config: this.#config, life: this.#life };
    life.add('store', () => this.#store.close());
    this.#lag.start();
    life.add('lag', () => this.#lag.stop());
    life.add('driver', () => this.#driver.stop());
    await this.#startNames();
    const services = config.services.map(loadService);
    if (config.health) {
      const source = { ready: () => this.#isReady(), status: () => this.status() };
      await life.start('health', () => serveHealth(config.health?.listen as ListenAddress, source));
    }
    life.add('desk', this.#desk.stop);
    for (const { name, keys } of services) this.#desk.open(name, base32Name(keys.destination.hash));
    if (config.streams) {
      const { listen } = config.streams;
      const dialer = new DestinationDialer(this.#driver, (key) => this.#destinationOf(key));
      const parts = { dialer, names: this.#book, desk: this.#desk };
      await life.start('streams', () => startStreamsServer(listen, parts));
    }
    this.#terminal.stage('tor', 'asking for a way to the first peers');
    this.#driver.start();
    if (config.streams) this.#open(SHARED, createDestinationKeys(randomBytes), false);
    for (const [at, service] of services.entries()) this.#openService(FIRST_SERVICE + at, service);
    const report = setInterval(() => this.#report(), REPORT_MS);
    life.add('report', () => clearInterval(report));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#driver.feed({ kind: 'stop' });
    const late = await this.#life.stop();
    if (late.length > 0) this.#log.warn({ late }, 'parts did not stop in time');
  }

  status(): RouterStatus & Readonly<Record<string, unknown>> {
    const { tunnels, destinations, ...node } = this.#node.status();
    return {
      ...node,
      tunnels: { ...tunnels, pools: this.#named(tunnels.pools) },
      destinations: this.#named(destinations),
      names: { ...this.#hosts?.status, learnt: this.#book.learnt.size },
      services: this.#desk.status,
      reseed: this.#reseedState,
      store: this.#store.counters.toJSON(),
      clock: { correctionMs: this.#clock.correction },
      lagMs: this.#lag.figures,
    };
  }

  /** By the names that people know them by. */
  #named<T>(figures: ReadonlyMap<DestinationId, T>): Record<string, T> {
    const nameOf = (id: DestinationId): string => {
      const service = this.#config.services[id - FIRST_SERVICE];
      if (service) return `service-${service.name}`;
      return id === SHARED ? 'shared' : 'exploratory';
    };
    return Object.fromEntries([...figures].map(([id, figure]) => [nameOf(id), figure]));
  }

  #isReady(): boolean {
    return this.#node.status().stage === 'ready';
  }

  #open(destination: DestinationId, keys: DestinationKeys, publish: boolean): void {
    const { length, quantity } = this.#config.tunnels;
    const options = { identity: identityOf(keys), publish, length, quantity };
    this.#driver.feed({ kind: 'openDestination', destination, options });
  }

  async #startNames(): Promise<void> {
    const { hosts, names } = this.#config;
    this.#persist(this.#book.learnt.restore(this.#store.all('learnt_name')));
    if (hosts !== undefined) {
      const watch = new HostsWatch(hosts, this.#log, (file) => this.#book.setHosts(file.names));
      this.#hosts = watch;
      await this.#life.start('hosts', () => watch.start());
    }
    if (names === undefined) return;
    const persist = (changes: readonly NameChange[]): void => this.#persist(changes);
    const parts = { book: this.#book, now: () => this.#clock.now(), persist };
    await this.#life.start('names', () => startNamesServer(names.listen, parts));
  }

  #persist(changes: readonly NameChange[]): void {
    for (const change of changes) {
      if (change.kind === 'put') this.#store.put('learnt_name', change.row, change.value);
      else this.#store.remove('learnt_name', change.row);
    }
  }

  /** Where a key's streams come from: as yet from one Destination for all. */
  #destinationOf(_key: string): DestinationId | undefined {
    return this.#ready.has(SHARED) ? SHARED : undefined;
  }

  #openService(destination: DestinationId, { name, keys }: Service): void {
    this.#open(destination, keys, true);
    this.#driver.feed({ kind: 'stream', destination, command: { kind: 'listen', port: 0 } });
    this.#terminal.stage('service', `${name} is ${base32Name(keys.destination.hash)}`);
  }

  #incoming(destination: DestinationId, stream: I2pStream, port: number): void {
    const { destination: visitor } = stream;
    const service = this.#config.services[destination - FIRST_SERVICE];
    if (visitor === undefined || service === undefined) return void stream.destroy();
    this.#desk.arrive(service.name, { stream, visitor, port });
  }

  #destinationReady(destination: DestinationId, ready: boolean): void {
    if (ready) this.#ready.add(destination);
    else this.#ready.delete(destination);
    this.#log.info(
      { ready: this.#ready.size },
      ready ? 'destination has tunnels' : 'destination lost its tunnels',
    );
    this.#report();
  }

  async #reseed(known: number, stranded: boolean): Promise<void> {
    if (this.#reseeding) return;
    this.#reseeding = true;
    const state = this.#reseedState;
    try {
      const routerInfos = await reseed({
        ...this.#config.reseed,
        // what they hold has been tried
        ...(stranded && this.#config.reseed.servers ? { files: [] } : {}),
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
      const { streams } = this.#config;
      return this.#terminal.stage(
        'ready',
        streams ? `streams at ${textOf(streams.listen)}` : 'all Destinations have tunnels',
      );
    }
    const pools = [...tunnels.pools.values()];
    const alive = pools.reduce((sum, pool) => sum + pool.inbound.alive + pool.outbound.alive, 0);
    const wanted = pools.reduce((sum, pool) => sum + pool.inbound.wanted + pool.outbound.wanted, 0);
    if (alive > 0) this.#terminal.stage('tunnels', `${alive}/${wanted}`);
    else this.#terminal.stage('peers', `${sessions.connected} connected of ${netdb.usable} known`);
  }

  #correctClock(): void {
    const skew = this.#node.clockSkew;
    const { moved, beyond } = this.#clock.follow(skew);
    if (moved !== 0) this.#driver.feed({ kind: 'clockCorrected', by: moved });
    if (beyond && !this.#wrongClockTold) {
      this.#log.error({ skewMs: skew }, "the machine's clock is wrong: set it");
    }
    this.#wrongClockTold = beyond;
  }
}

/** Throws `KeyFileError`. */
function loadService({ name, keys }: ServiceConfig): Service {
  return { name, keys: loadDestinationKeys(keys) };
}

function textOf(address: ListenAddress): string {
  return 'path' in address ? address.path : `${address.host}:${address.port}`;
}
