import { GatewayError } from '@allium/common/bytes/errors.ts';
import type { Step, StepKind } from '../plan/steps.ts';
import { createRequest } from './blueprint.ts';
import type { Engine, Notebook, PolicyControl, TorLink } from './ports.ts';

export class StepError extends GatewayError<{ code: 'no-blueprint' | 'policy-changed' }> {}

export interface Tools {
  readonly engine: Engine;
  readonly policy: PolicyControl;
  readonly tor: TorLink;
  readonly notebook: Notebook;
}

type Executors = {
  readonly [K in StepKind]: (step: Extract<Step, { kind: K }>, tools: Tools) => Promise<void>;
};

/** One for each kind of step: a step without its executor does not compile. */
const EXECUTORS: Executors = {
  unplug: (step, { engine }) => engine.disconnect(step.network, step.container),

  plug: async (step, { engine, policy, tor, notebook }) => {
    const { asked } = notebook;
    const now = await policy.current();
    // Seconds may have passed since the look that led here.
    if (asked === undefined || now?.digest !== asked.digest || now.state !== asked.state) {
      throw new StepError({ code: 'policy-changed' }, 'the rules are no longer the ones that were asked for');
    }
    await engine.connect(step.network, step.container);
    await tor.reconnect();
  },

  'set-state': async (step, { policy, notebook }) => {
    // Until the answer is here nothing counts as asked for: a failure leaves a doubt, not an old certainty.
    notebook.asked = undefined;
    notebook.asked = await policy.setState(step.state);
  },

  'set-policy': async (step, { policy, notebook }) => {
    notebook.asked = undefined;
    notebook.asked = await policy.setPolicy(step.policy);
  },

  remove: (step, { engine }) => engine.remove(step.id),

  create: async (step, { engine, notebook }) => {
    const blueprint = notebook.blueprint(step.role);
    if (blueprint === undefined) throw new StepError({ code: 'no-blueprint' }, `${step.role} was never seen`);
    // The name is what `docker compose ps` shows; the id is what was tested, should the name mean another image now.
    const { Image: name } = blueprint.config;
    const image = (await engine.imageId(name)) === blueprint.imageId ? name : blueprint.imageId;
    await engine.create(createRequest(blueprint, step.owner, image));
  },

  start: (step, { engine }) => engine.start(step.id),
};

/** Throws what the engine or the policy service throws; the next look decides what that means. */
export function execute(step: Step, tools: Tools): Promise<void> {
  const run = EXECUTORS[step.kind] as (step: Step, tools: Tools) => Promise<void>;
  return run(step, tools);
}
