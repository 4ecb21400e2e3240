import {
  type InForce,
  type KnownPolicy,
  type PolicyStatus,
  policyRequest,
  type StateName,
  stateRequest,
} from '@allium/common/contracts/policy.ts';
import { healthRoutes } from '@allium/common/lifecycle/health.ts';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import type { Refusal } from '@allium/common/unix-json/refusal.ts';
import { get, ok, post, type Reply, serve } from '@allium/common/unix-json/serve.ts';

export interface Steerable {
  ready(): boolean;
  status(): PolicyStatus;
  policies(): KnownPolicy[];
  requestState(state: StateName): Promise<InForce | Refusal>;
  requestPolicy(name: string): Promise<InForce | Refusal>;
}

/**
 * `GET /status`, `GET /health`, `GET /policies`, `POST /state` `{"state": "open"}`, `POST /policy`
 * `{"policy": "leak-proof"}`. 200 when it is in force and read back, 409 when it was refused, 400 for what is not a
 * request: nothing changes then.
 */
export function serveControl(address: ListenAddress, service: Steerable): Promise<{ stop: Stop }> {
  return serve(address, {
    ...healthRoutes(service),
    'GET /policies': get(() => ok({ policies: service.policies() })),
    'POST /state': post(stateRequest, async ({ state }) => answered(await service.requestState(state))),
    'POST /policy': post(policyRequest, async ({ policy }) => answered(await service.requestPolicy(policy))),
  });
}

function answered(answer: InForce | Refusal): Reply {
  return { status: answer.ok ? 200 : 409, body: answer };
}
