import { GatewayError } from '@allium/common/bytes/errors.ts';
import { inForce, type KnownPolicy, policiesAnswer, policyStatus } from '@allium/common/contracts/policy.ts';
import { ask } from '@allium/common/unix-json/ask.ts';
import { z } from 'zod';
import type { PolicyControl } from '../execute/ports.ts';
import type { Asked } from '../plan/memory.ts';

/** What a person asked for is not there; nothing changes. */
export class PolicyNameError extends GatewayError<{ code: 'no-such-policy' | 'policy-mistake' }> {}

/** The policy service on its control socket. */
export class PolicyClient implements PolicyControl {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  setState(state: Asked['state']): Promise<Asked> {
    return this.#ask('POST /state', { state });
  }

  setPolicy(policy: string): Promise<Asked> {
    return this.#ask('POST /policy', { policy });
  }

  async current(): Promise<Pick<Asked, 'state' | 'digest'> | undefined> {
    const { state, digest } = policyStatus.safeParse(await this.status()).data ?? {};
    return state === undefined || state === 'unknown' || !digest ? undefined : { state, digest };
  }

  /** Undefined when nobody answers; whether it makes sense is for the observer to say. */
  async status(): Promise<unknown> {
    return await ask(this.#socket, 'GET /status', undefined, { schema: z.unknown() }).catch(() => undefined);
  }

  /** Every policy there is, with what it is for or with its mistake. Throws `AskError`. */
  async policies(): Promise<KnownPolicy[]> {
    return (await ask(this.#socket, 'GET /policies', undefined, { schema: policiesAnswer })).policies;
  }

  /** Throws `AskError`. */
  async #ask(route: string, body: unknown): Promise<Asked> {
    const { state, policy, digest } = await ask(this.#socket, route, body, { schema: inForce });
    return { state, policy, digest };
  }
}
