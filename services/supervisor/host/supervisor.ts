import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import type { KnownPolicy } from '@allium/common/contracts/policy.ts';
import type { LeaktestResult, SupervisorStatus } from '@allium/common/contracts/supervisor.ts';
import type { Logger } from '@allium/common/observe/logger.ts';
import { ask } from '@allium/common/unix-json/ask.ts';
import { z } from 'zod';
import { blueprintOf } from '../execute/blueprint.ts';
import { execute } from '../execute/executors.ts';
import type { Facts } from '../observe/facts.ts';
import { observe, roleOf } from '../observe/observe.ts';
import { networksOf } from '../observe/roles.ts';
import type { Role } from '../observe/topology.ts';
import { Patience } from '../plan/patience.ts';
import { isUnwell, needsCompose, type Plan, plan, unplug } from '../plan/plan.ts';
import type { Step } from '../plan/steps.ts';
import type { Steerable } from './control.ts';
import type { DockerEngine } from './docker.ts';
import { Leaktest, surroundingsOf } from './leaktest.ts';
import type { NotebookFile } from './notebook-file.ts';
import { type PolicyClient, PolicyNameError } from './policy-client.ts';
import type { Progress } from './progress.ts';
import type { Settings } from './settings.ts';
import { statusOf } from './status.ts';
import type { TorControl } from './tor-control.ts';
import type { UplinkClient } from './uplink-client.ts';

/** ms between two looks when nothing happens: rules that changed are found within it. */
const LOOK_MS = 1_500;
/** ms to wait after a step failed, and before the stream of events is opened again. */
const RETRY_MS = 1_000;
/** The observer judges it. */
const ANYTHING = { schema: z.unknown() };
/** A last look older than this says nothing, ms. */
const STALE_MS = 15_000;

export interface Parts {
  readonly settings: Settings;
  readonly project: string;
  readonly engine: DockerEngine;
  readonly policy: PolicyClient;
  readonly tor: TorControl;
  readonly uplink: UplinkClient;
  readonly notebook: NotebookFile;
  readonly logger: Logger;
  readonly progress: Progress;
}

/** Looks, plans, does one step, and looks again. One thing at a time: there is no second loop. */
export class Supervisor implements Steerable {
  readonly #parts: Parts;
  readonly #patience: Patience;
  readonly #leaktest: Leaktest;
  readonly #stopping = new AbortController();
  #wake = Promise.withResolvers<void>();
  #running: Promise<void> = Promise.resolve();
  #facts: Facts | undefined;
  #plan: Plan = { doubts: [], steps: [] };
  #failure: string | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#patience = new Patience(parts.settings.patience, performance.now());
    this.#leaktest = new Leaktest(parts.engine);
  }

  start(): { stop: () => Promise<void> } {
    this.#running = this.#loop();
    void this.#watch();
    return { stop: () => this.#stop() };
  }

  ready(): boolean {
    return performance.now() - this.#lookedAt < STALE_MS;
  }

  status(): SupervisorStatus {
    const { notebook, settings } = this.#parts;
    const fresh = this.ready() ? this.#facts : undefined;
    return statusOf({
      facts: fresh,
      plan: this.#plan,
      failure: this.#failure,
      needsCompose: fresh === undefined ? [] : needsCompose(fresh, this.#intent()),
      wanted: notebook.policy,
      proxy: settings.proxy,
    });
  }

  policies(): Promise<KnownPolicy[]> {
    return this.#parts.policy.policies();
  }

  async wantPolicy(name: string): Promise<void> {
    const known = await this.policies();
    const found = known.find((policy) => policy.name === name);
    if (found === undefined) {
      const names = known.map((policy) => policy.name).join(', ');
      throw new PolicyNameError(
        { code: 'no-such-policy' },
        `there is no policy ${name}; there are: ${names}`,
      );
    }
    if (found.mistake !== undefined) throw new PolicyNameError({ code: 'policy-mistake' }, found.mistake);
    this.#parts.notebook.policy = name;
    this.#wake.resolve();
  }

  newCircuits(): Promise<number> {
    return this.#parts.tor.newCircuits();
  }

  async leaktest(): Promise<LeaktestResult> {
    const { notebook, uplink } = this.#parts;
    const facts = this.status().stage === 'open' ? this.#facts : undefined;
    return await this.#leaktest.run(surroundingsOf(facts, notebook, uplink.relaySet));
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>();
      const step = await this.#look().catch((error: unknown) => this.#failed('look', error));
      const done = step === undefined ? false : await this.#do(step);
      if (!done) await Promise.race([this.#wake.promise, sleep(LOOK_MS, undefined, { ref: false })]);
    }
  }

  /** The next step, if there is one that may be done now. */
  async #look(): Promise<Step | undefined> {
    const { settings, project, engine, policy, tor: torControl, uplink } = this.#parts;
    const [seen, policyStatus, tor, router, relaysTaken] = await Promise.all([
      engine.look(project),
      policy.status(),
      torControl.progress(),
      ask(settings.routerStatus, 'GET /status', undefined, ANYTHING).catch(() => undefined),
      this.#tellRelays(),
    ]);
    const facts = observe({
      ...seen,
      project,
      ext: settings.ext,
      policy: policyStatus,
      tor,
      router,
      guests: this.#leaktest.guests,
      relays: uplink.relays,
      relaysTaken,
    });
    this.#learn(seen.inspected, facts);
    const before = this.#plan.doubts;
    this.#facts = facts;
    this.#plan = plan(facts, this.#intent());
    this.#lookedAt = performance.now();
    this.#parts.progress.see(this.status());
    if (JSON.stringify(before) !== JSON.stringify(this.#plan.doubts)) {
      const codes = this.#plan.doubts.map((doubt) =>
        'role' in doubt ? `${doubt.role} ${doubt.code}` : doubt.code,
      );
      this.#parts.logger.info({ doubts: codes }, codes.length === 0 ? 'nothing in doubt' : 'in doubt');
    }
    // The uplink carries only for as long as looks go on and find nothing.
    await (this.#plan.doubts.length === 0 ? uplink.renew() : uplink.close());
    this.#patience.found(isUnwell(facts, this.#plan), performance.now());
    const [step] = this.#plan.steps;
    const touches = step?.kind === 'remove' || step?.kind === 'create';
    return touches && !this.#patience.mayTouch(step.role, performance.now()) ? undefined : step;
  }

  /** Whom Tor may want to reach goes to the uplink, which lets nobody else be reached. */
  async #tellRelays(): Promise<boolean> {
    const { tor, uplink } = this.#parts;
    uplink.remember(await tor.relays().catch(() => undefined));
    return await uplink.offer();
  }

  #intent() {
    const { notebook } = this.#parts;
    return {
      policy: notebook.policy,
      asked: notebook.asked,
      known: notebook.known,
      settled: this.#patience.settled(performance.now()),
    };
  }

  /** How compose made what is there now; without a foreign network that somebody attached. */
  #learn(inspected: readonly unknown[], facts: Facts): void {
    for (const container of inspected as readonly {
      Id: string;
      Config: { Labels: Record<string, string> };
    }[]) {
      const role = roleOf(container.Config.Labels, this.#parts.project);
      if (role === undefined || facts.containers[role]?.id !== container.Id) continue;
      const names = networksOf(role).flatMap((network) => facts.networks[network] ?? []);
      if (names.length < networksOf(role).length || !isWholeFor(role, facts)) continue;
      this.#parts.notebook.learn(role, blueprintOf(container, names));
    }
  }

  /** True when it went well; the world is looked at anew either way. */
  async #do(step: Step): Promise<boolean> {
    const { engine, policy, tor, notebook, logger } = this.#parts;
    const what = 'role' in step ? `${step.kind} ${step.role}` : step.kind;
    try {
      await execute(step, { engine, policy, tor, notebook });
      if (step.kind === 'create') this.#patience.made(step.role, performance.now());
      logger.info({ step: what, ...('state' in step ? { state: step.state } : {}) }, 'done');
      this.#failure = undefined;
      return true;
    } catch (error) {
      this.#failed(what, error);
      await sleep(RETRY_MS);
      return false;
    }
  }

  #failed(what: string, error: unknown): undefined {
    const why = error instanceof Error ? error.message : String(error);
    this.#failure = `${what}: ${why.slice(0, 300)}`;
    const code = error instanceof GatewayError ? error.code : 'unknown';
    this.#parts.logger.warn({ step: what, code, why: why.slice(0, 300) }, 'failed');
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const changed = () => {
        this.#patience.changed(performance.now());
        this.#wake.resolve();
      };
      await this.#parts.engine.watch(changed, signal).catch(() => undefined);
      await sleep(RETRY_MS, undefined, { ref: false });
    }
  }

  /** Nobody will watch from here on, so the plug comes out. */
  async #stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.resolve();
    await this.#running;
    const { engine, logger, tor, uplink } = this.#parts;
    await uplink.close();
    tor.stop();
    for (const { kind, network, container } of this.#facts === undefined ? [] : unplug(this.#facts)) {
      await engine.disconnect(network, container);
      logger.info({ step: kind }, 'done');
    }
  }
}

/** Only a container with all its own networks shows how it was made; one that ended may have lost them. */
function isWholeFor(role: Role, facts: Facts): boolean {
  const attached = facts.containers[role]?.networks ?? [];
  return networksOf(role).every((network) => attached.includes(network));
}
