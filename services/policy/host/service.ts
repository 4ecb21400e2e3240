import { ConfigError } from '@allium/common/config/load.ts';
import type { InForce, KnownPolicy, PolicyStatus, StateName } from '@allium/common/contracts/policy.ts';
import { exhaustive } from '@allium/common/core/exhaustive.ts';
import type { Logger } from '@allium/common/observe/logger.ts';
import type { Refusal } from '@allium/common/unix-json/refusal.ts';
import type { Nft } from 'nftables-ts/nft.ts';
import type { Policy } from '../model/policy.ts';
import type { Settings } from '../model/settings.ts';
import { PolicyCore } from '../state/core.ts';
import type { Input, Output } from '../state/io.ts';
import type { Steerable } from './control.ts';
import { Kernel } from './kernel.ts';
import { policyNames, readPolicy } from './policies.ts';

/** Wait before a monitor that ended is started again, ms; the read-back goes on meanwhile. */
const MONITOR_RESTART_MS = 1_000;

/** The core with its clock, its kernel and its watcher. */
export class PolicyService implements Steerable {
  readonly #settings: Settings;
  readonly #core: PolicyCore;
  readonly #kernel: Kernel;
  readonly #nft: Nft;
  readonly #logger: Logger;
  readonly #answers = new Map<number, (answer: InForce | Refusal) => void>();
  readonly #watching = new AbortController();
  readonly #stopped = Promise.withResolvers<void>();
  #nextId = 1;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: Settings, policy: Policy, generation: number, nft: Nft, logger: Logger) {
    this.#settings = settings;
    this.#core = new PolicyCore(policy, generation);
    this.#nft = nft;
    this.#kernel = new Kernel(nft, settings);
    this.#logger = logger;
  }

  start(): void {
    this.#feed({ kind: 'start' });
    void this.#watch();
  }

  /** Seals and ends. Rules stay in the kernel. */
  async stop(): Promise<void> {
    this.#feed({ kind: 'stop' });
    await this.#stopped.promise;
    clearTimeout(this.#timer);
    this.#watching.abort();
  }

  requestState(state: StateName): Promise<InForce | Refusal> {
    return this.#ask((id) => ({ kind: 'request', id, state }));
  }

  /** Reads the policy's file anew. What cannot be read seals: nobody knows what it should have allowed. */
  requestPolicy(name: string): Promise<InForce | Refusal> {
    return this.#ask((id) => {
      try {
        return { kind: 'request', id, policy: readPolicy(this.#settings.policies, name) };
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        return { kind: 'unreadable-policy', id, why: error.message };
      }
    });
  }

  /** True while the kernel is known to have what was meant. */
  ready(): boolean {
    return this.#core.enforced !== undefined;
  }

  status(): PolicyStatus {
    const { enforced, doubts, lastSealing, policy } = this.#core;
    return {
      state: enforced?.state ?? 'unknown',
      policy: policy.name,
      doors: policy.doors.map(({ why, ports }) => ({ why, ports: ports.map(portText).join(', ') })),
      known: policyNames(this.#settings.policies),
      digest: enforced?.digest ?? null,
      since: enforced === undefined ? null : new Date(enforced.since).toISOString(),
      doubts: [...doubts],
      lastSealing:
        lastSealing === undefined
          ? null
          : { doubts: [...lastSealing.doubts], at: new Date(lastSealing.at).toISOString() },
      counters: this.#kernel.counters(),
    };
  }

  /** Every policy of the folder as it is now, with what it is for, or with its mistake. Changes nothing. */
  policies(): KnownPolicy[] {
    return policyNames(this.#settings.policies).map((name) => {
      try {
        return { name, about: readPolicy(this.#settings.policies, name).about };
      } catch (error) {
        return { name, mistake: error instanceof Error ? error.message : String(error) };
      }
    });
  }

  #ask(input: (id: number) => Input): Promise<InForce | Refusal> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<InForce | Refusal>();
    this.#answers.set(id, resolve);
    this.#feed(input(id));
    return promise;
  }

  #feed(input: Input): void {
    for (const output of this.#core.step(input, Date.now())) this.#run(output);
  }

  #run(output: Output): void {
    switch (output.kind) {
      case 'apply':
        void this.#kernel.apply(output.plan).then((result) => {
          const { ticket } = output;
          if (result.ok) this.#feed({ kind: 'applied', ticket, digest: result.digest });
          else this.#feed({ kind: 'not-applied', ticket, doubts: result.doubts, why: result.why });
        });
        return;
      case 'inspect':
        void this.#kernel
          .inspect()
          .then((doubts) => this.#feed({ kind: 'inspected', ticket: output.ticket, doubts }));
        return;
      case 'answer':
        this.#answers.get(output.id)?.(output.answer);
        this.#answers.delete(output.id);
        return;
      case 'wake':
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#feed({ kind: 'tick' }), Math.max(0, output.at - Date.now()));
        return;
      case 'event':
        this.#logger[output.level]({ ...output.facts }, output.code);
        return;
      case 'stopped':
        this.#stopped.resolve();
        return;
      default:
        exhaustive(output);
    }
  }

  /** Events only make the next look come sooner; without them a change still shows at the next read-back. */
  async #watch(): Promise<void> {
    const { signal } = this.#watching;
    while (!signal.aborted) {
      try {
        for await (const _ of this.#nft.monitor(signal)) this.#feed({ kind: 'changed' });
      } catch {
        if (signal.aborted) return;
        this.#logger.warn({ code: 'monitor-ended' }, 'nft monitor ended; started again');
        this.#feed({ kind: 'changed' });
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      setTimeout(resolve, MONITOR_RESTART_MS).unref();
      await promise;
    }
  }
}

function portText({ from, to }: { readonly from: number; readonly to: number }): string {
  return from === to ? `${from}` : `${from}-${to}`;
}
