import Docker from 'dockerode';
import type { CreateRequest } from '../execute/blueprint.ts';
import type { Engine } from '../execute/ports.ts';
import { roleOf } from '../observe/observe.ts';

/** ms for one request; removing a container that will not die takes the longest. */
const TIMEOUT_MS = 20_000;
/** Bytes of what `readlink` may print. */
const NETNS_MAX = 64;
/** Bytes of what a program in a guest may print. */
const OUTPUT_MAX = 4 * 1024 * 1024;

/** The engine behind Docker's socket. */
export class DockerEngine implements Engine {
  readonly #docker: Docker;
  /** container id and start → namespace: it cannot change while the container runs */
  #netns = new Map<string, string>();

  constructor(socketPath: string) {
    this.#docker = new Docker({ socketPath, timeout: TIMEOUT_MS });
  }

  /** The compose project of the container that we run in; its hostname is its id. Throws when that is not so. */
  async projectOf(hostname: string): Promise<string> {
    const own = await this.#docker.getContainer(hostname).inspect();
    const project = own.Config.Labels['com.docker.compose.project'];
    if (project === undefined) throw new RangeError('not started by docker compose: set `project`');
    return project;
  }

  /** Everything that the observer wants of the engine. */
  async look(project: string): Promise<{
    listed: readonly unknown[];
    inspected: readonly unknown[];
    networks: readonly unknown[];
    netns: Record<string, string>;
  }> {
    const [listed, networks] = await Promise.all([
      this.#docker.listContainers({ all: true }),
      this.#docker.listNetworks(),
    ]);
    const ours = listed.filter(({ Labels }) => roleOf(Labels ?? {}, project) !== undefined);
    const seen = await Promise.all(ours.map(({ Id }) => this.#inspect(Id)));
    const inspected = seen.filter((container) => container !== undefined);
    return { listed, networks, inspected, netns: await this.#namespaces(inspected) };
  }

  /** Calls back whenever a container or network changes; resolves when the stream ends. */
  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    // The types know the method without the signal that its code takes.
    const options = { filters: { type: ['container', 'network'] }, abortSignal: signal };
    const events = await this.#docker.getEvents(options as Docker.GetEventsOptions);
    for await (const chunk of events) if (tellsOfChange(String(chunk))) changed();
  }

  async connect(network: string, container: string): Promise<void> {
    await this.#docker.getNetwork(network).connect({ Container: container });
  }

  async disconnect(network: string, container: string): Promise<void> {
    await this.#docker
      .getNetwork(network)
      .disconnect({ Container: container, Force: true })
      .catch((error: unknown) => {
        if (!/is not connected/.test(String(error))) throw error;
      });
  }

  async imageId(name: string): Promise<string | undefined> {
    return (await gone(this.#docker.getImage(name).inspect()))?.Id;
  }

  async create(request: CreateRequest): Promise<void> {
    const container = await this.#docker.createContainer(request.create);
    for (const { network, endpoint } of request.connect) {
      await this.#docker.getNetwork(network).connect({ Container: container.id, EndpointConfig: endpoint });
    }
  }

  async start(id: string): Promise<void> {
    await this.#docker.getContainer(id).start();
  }

  async remove(id: string): Promise<void> {
    await gone(this.#docker.getContainer(id).remove({ force: true }));
  }

  /** A container of ours for a short while, made and not started. Docker removes it by itself once it ends. */
  async makeGuest(options: Docker.ContainerCreateOptions): Promise<string> {
    return (await this.#docker.createContainer(options)).id;
  }

  /** The address of a running container in a network. */
  async addressOf(id: string, network: string): Promise<string | undefined> {
    const { NetworkSettings } = await this.#docker.getContainer(id).inspect();
    return NetworkSettings.Networks[network]?.IPAddress;
  }

  /** What a program prints that is run inside a container. Throws when it prints too much. */
  async run(id: string, command: readonly string[], most = OUTPUT_MAX): Promise<string> {
    const exec = await this.#docker
      .getContainer(id)
      .exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true, Tty: true });
    const stream = await exec.start({ Tty: true });
    let text = '';
    for await (const chunk of stream) {
      text += String(chunk);
      if (text.length > most) throw new RangeError('it printed too much');
    }
    return text;
  }

  async #inspect(id: string): Promise<Docker.ContainerInspectInfo | undefined> {
    return await gone(this.#docker.getContainer(id).inspect());
  }

  async #namespaces(containers: readonly Docker.ContainerInspectInfo[]): Promise<Record<string, string>> {
    const known = new Map<string, string>();
    const result: Record<string, string> = {};
    const running = containers.filter(({ State }) => State.Running && !State.Paused);
    await Promise.all(
      running.map(async ({ Id, State }) => {
        const key = `${Id} ${State.StartedAt}`;
        const netns = this.#netns.get(key) ?? (await this.#readNetns(Id).catch(() => undefined));
        if (netns === undefined) return;
        known.set(key, netns);
        result[Id] = netns;
      }),
    );
    this.#netns = known;
    return result;
  }

  /** `net:[4026532000]`, as the container itself sees it. Throws when it does not say so. */
  async #readNetns(id: string): Promise<string> {
    const text = await this.run(id, ['readlink', '/proc/self/ns/net'], NETNS_MAX);
    const found = /net:\[\d+\]/.exec(text);
    if (found === null) throw new RangeError('no namespace');
    return found[0];
  }
}

/** Health checks, and our own looks into a namespace, change nothing. */
function tellsOfChange(events: string): boolean {
  const actions = [...events.matchAll(/"Action":"([a-z_]+)/g)];
  return (
    actions.length === 0 || actions.some(([, action]) => !/^(?:exec_|health_status|top)/.test(action ?? ''))
  );
}

/** Undefined when the engine says that there is no such thing. */
async function gone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}
