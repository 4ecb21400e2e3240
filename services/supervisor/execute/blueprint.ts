import { z } from 'zod';

const strings = z.record(z.string(), z.string());

/**
 * All that is needed to make a container again as compose made it, from `docker inspect`. `Config` and `HostConfig` are
 * kept whole and handed back as they are: they are the engine's own words.
 */
export const blueprintSchema = z.object({
  name: z.string().min(1),
  /** what tells one making of compose from another */
  version: z.string(),
  imageId: z.string().min(1),
  config: z.looseObject({ Image: z.string(), Labels: strings }),
  hostConfig: z.looseObject({ NetworkMode: z.string() }),
  networks: z.record(z.string(), z.object({ ipv4: z.string().optional(), aliases: z.array(z.string()) })),
});
export type Blueprint = z.output<typeof blueprintSchema>;

const source = z.object({
  Id: z.string(),
  Name: z.string(),
  Image: z.string(),
  Config: z.looseObject({ Image: z.string(), Hostname: z.string(), Labels: strings }),
  HostConfig: z.looseObject({ NetworkMode: z.string() }),
  NetworkSettings: z.object({
    Networks: z.record(
      z.string(),
      z.object({
        IPAMConfig: z.object({ IPv4Address: z.string().optional() }).nullish(),
        Aliases: z.array(z.string()).nullish(),
      }),
    ),
  }),
});

/** Throws ZodError when the engine's answer is not what it should be. `networks`: names of those that it may keep. */
export function blueprintOf(inspected: unknown, networks: readonly string[]): Blueprint {
  const found = source.parse(inspected);
  const { Hostname: hostname, ...config } = found.Config;
  const name = found.Name.replace(/^\//, '');
  const ownName = isIdOf(hostname, found.Id) || found.HostConfig.NetworkMode.startsWith('container:');
  const kept = Object.entries(found.NetworkSettings.Networks).filter(([network]) =>
    networks.includes(network),
  );
  return {
    name,
    version: `${config.Labels['com.docker.compose.config-hash'] ?? ''} ${found.Image}`,
    imageId: found.Image,
    config: ownName ? config : { ...config, Hostname: hostname },
    hostConfig: found.HostConfig,
    networks: Object.fromEntries(
      kept.map(([network, { IPAMConfig, Aliases }]) => [
        network,
        {
          ...(IPAMConfig?.IPv4Address === undefined ? {} : { ipv4: IPAMConfig.IPv4Address }),
          // Docker adds the short id by itself.
          aliases: (Aliases ?? []).filter((alias) => !isIdOf(alias, found.Id)),
        },
      ]),
    ),
  };
}

export interface CreateRequest {
  /** options of the engine's `POST /containers/create` */
  readonly create: Readonly<Record<string, unknown>>;
  /** networks to connect before the start; engines before 25 take only one at creation */
  readonly connect: readonly {
    readonly network: string;
    readonly endpoint: Readonly<Record<string, unknown>>;
  }[];
}

/** `owner`: id of the namespace's owner, for joiners. `image`: what to run, a name or an id. */
export function createRequest(blueprint: Blueprint, owner: string | undefined, image: string): CreateRequest {
  const joins = blueprint.hostConfig.NetworkMode.startsWith('container:');
  if (joins && owner === undefined)
    throw new RangeError(`${blueprint.name} joins a namespace that is not there`);
  const mode = joins ? `container:${owner}` : blueprint.hostConfig.NetworkMode;
  const endpoints = Object.entries(blueprint.networks).map(([network, { ipv4, aliases }]) => ({
    network,
    endpoint: { IPAMConfig: ipv4 === undefined ? {} : { IPv4Address: ipv4 }, Aliases: aliases },
  }));
  const first = endpoints.find(({ network }) => network === mode);
  return {
    create: {
      ...blueprint.config,
      name: blueprint.name,
      Image: image,
      HostConfig: { ...blueprint.hostConfig, NetworkMode: mode },
      ...(first === undefined
        ? {}
        : { NetworkingConfig: { EndpointsConfig: { [first.network]: first.endpoint } } }),
    },
    connect: endpoints.filter((endpoint) => endpoint !== first),
  };
}

function isIdOf(text: string, id: string): boolean {
  return text.length >= 12 && id.startsWith(text);
}
