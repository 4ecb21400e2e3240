import { GatewayError } from '@allium/common/bytes/errors.ts';
import { z } from 'zod';
import type { PolicyControl } from '../execute/ports.ts';
import { policySchema } from '../observe/captured.ts';
import type { Asked } from '../plan/memory.ts';
import { askJson } from './unix-http.ts';

const answer = z.union([
  z.object({
    ok: z.literal(true),
    state: z.enum(['sealed', 'tor-only', 'open']),
    policy: z.string(),
    digest: z.string().min(1),
  }),
  z.object({ ok: z.literal(false), code: z.string(), why: z.string() }),
]);

const policies = z.object({
  policies: z.array(
    z.object({ name: z.string(), about: z.string().optional(), mistake: z.string().optional() }),
  ),
});
export type KnownPolicy = z.output<typeof policies>['policies'][number];

export class PolicyRefused extends GatewayError<{ code: string }> {}
/** What a person asked for is not there; nothing changes. */
export class PolicyNameError extends GatewayError<{ code: 'no-such-policy' | 'policy-mistake' }> {}

/** The policy service on its control socket. */
export class PolicyClient implements PolicyControl {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  setState(state: Asked['state']): Promise<Asked> {
    return this.#ask('/state', { state });
  }

  setPolicy(policy: string): Promise<Asked> {
    return this.#ask('/policy', { policy });
  }

  async current(): Promise<Pick<Asked, 'state' | 'digest'> | undefined> {
    const parsed = policySchema.safeParse(await this.status());
    if (!parsed.success || parsed.data.state === 'unknown' || parsed.data.digest === null) return undefined;
    return { state: parsed.data.state, digest: parsed.data.digest };
  }

  /** Undefined when nobody answers. */
  async status(): Promise<unknown> {
    return (await askJson(this.#socket, '/status').catch(() => undefined))?.body;
  }

  /** Every policy there is, with what it is for or with its mistake. Throws when nobody answers. */
  async policies(): Promise<KnownPolicy[]> {
    return policies.parse((await askJson(this.#socket, '/policies')).body).policies;
  }

  async #ask(path: string, body: unknown): Promise<Asked> {
    const said = answer.parse((await askJson(this.#socket, path, body)).body);
    if (!said.ok) throw new PolicyRefused({ code: said.code }, `policy: ${said.code}: ${said.why}`);
    const { state, policy, digest } = said;
    return { state, policy, digest };
  }
}
