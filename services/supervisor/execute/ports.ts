import type { Role } from '../observe/topology.ts';
import type { Asked } from '../plan/memory.ts';
import type { Blueprint, CreateRequest } from './blueprint.ts';

/** What executors need of the engine; ids and names as the engine has them. */
export interface Engine {
  connect(network: string, container: string): Promise<void>;
  /** quiet when it was not connected */
  disconnect(network: string, container: string): Promise<void>;
  /** id of the image with that name, undefined when there is none */
  imageId(name: string): Promise<string | undefined>;
  /** makes and connects it; it does not run yet */
  create(request: CreateRequest): Promise<void>;
  start(id: string): Promise<void>;
  /** kills and removes it, not its volumes; quiet when it is gone */
  remove(id: string): Promise<void>;
}

/** What executors need of the policy service. Both throw when it refuses. */
export interface PolicyControl {
  setState(state: Asked['state']): Promise<Asked>;
  setPolicy(policy: string): Promise<Asked>;
  /** digest and state now; undefined when it does not answer */
  current(): Promise<Pick<Asked, 'state' | 'digest'> | undefined>;
}

/** What executors need of Tor. */
export interface TorLink {
  /** opens new connections to relays in place of those that died with the plug; throws when Tor does not answer */
  reconnect(): Promise<void>;
}

/** What is known beyond one look. */
export interface Notebook {
  blueprint(role: Role): Blueprint | undefined;
  asked: Asked | undefined;
}
