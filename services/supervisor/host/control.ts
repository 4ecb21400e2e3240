import type { KnownPolicy } from '@allium/common/contracts/policy.ts';
import {
  type LeaktestResult,
  leaktestRequest,
  newCircuitsRequest,
  type SupervisorStatus,
  wantRequest,
} from '@allium/common/contracts/supervisor.ts';
import { healthRoutes } from '@allium/common/lifecycle/health.ts';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { get, ok, post, serve } from '@allium/common/unix-json/serve.ts';

/** ms; longer than the containers of a leak test live. */
export const LEAKTEST_MS = 90_000;

export interface Steerable {
  /** false while the last look is too old, or never happened */
  ready(): boolean;
  status(): SupervisorStatus;
  /** Throws when there is no such policy, or it has a mistake: then the one that is wanted stays. */
  wantPolicy(name: string): Promise<void>;
  policies(): Promise<KnownPolicy[]>;
  /** ms until Tor does it */
  newCircuits(): Promise<number>;
  leaktest(): Promise<LeaktestResult>;
}

/**
 * `GET /health`, `GET /status`, `GET /policies`, `POST /policy` `{"policy": NAME}`, `POST /newnym` `{}`, `POST /leaktest`
 * `{}`. 409: it was refused, and `why`.
 */
export function serveControl(path: string, supervisor: Steerable): Promise<{ stop: Stop }> {
  return serve(
    { path },
    {
      ...healthRoutes(supervisor),
      'GET /policies': get(async () => ok({ policies: await supervisor.policies() })),
      'POST /policy': post(wantRequest, async ({ policy }) => {
        await supervisor.wantPolicy(policy);
        return ok({ ok: true });
      }),
      'POST /newnym': post(newCircuitsRequest, async () =>
        ok({ ok: true, inMs: Math.round(await supervisor.newCircuits()) }),
      ),
      'POST /leaktest': post(leaktestRequest, async () => ok(await supervisor.leaktest()), {
        ms: LEAKTEST_MS,
      }),
    },
  );
}
