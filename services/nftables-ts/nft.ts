import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { canonicalTables } from './canonical.ts';
import { compare, type Difference } from './compare.ts';
import { codeOf, NftError } from './errors.ts';
import { ENVIRONMENT, type Ran, run, runWithInput } from './exec.ts';
import type { NftObject } from './json.ts';
import { belongsTo, canonicalOf, devicesInText, type Listing, lacksDevice, parseListing } from './listing.ts';
import { type NftEvent, parseEvent } from './monitor.ts';
import type { Family, Table, TableRef } from './objects.ts';
import type { Transaction } from './transaction.ts';

/** Which `nft`, in which namespace, and how long it may take. */
export interface NftOptions {
  /** the program and what goes before its options; for another namespace `['ip', 'netns', 'exec', NAME, 'nft']` */
  readonly command?: readonly string[];
  /** milliseconds for one call; the kernel may be busy with a large set */
  readonly timeoutMs?: number;
  /** a folder where a file may be made and unlinked at once; the system's own by default */
  readonly scratch?: string;
}

export interface CounterValue {
  readonly packets: number;
  readonly bytes: number;
}

/** The `nft` program of one network namespace. Every method throws `NftError`. */
export class Nft {
  readonly #command: readonly string[];
  readonly #timeoutMs: number;
  readonly #scratch: string;

  constructor(options: NftOptions = {}) {
    this.#command = options.command ?? ['nft'];
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#scratch = options.scratch ?? tmpdir();
  }

  /** Would the kernel take it? Nothing changes. Proves syntax and references, not meaning. */
  async check(transaction: Transaction): Promise<void> {
    await this.#run(['-j', '-c', '-f', '-'], JSON.stringify(transaction));
  }

  /** All of it or nothing. nft may end well without having understood its input: read back what matters. */
  async apply(transaction: Transaction): Promise<void> {
    await this.#run(['-j', '-f', '-'], JSON.stringify(transaction));
  }

  /** Every table of the namespace, in one consistent listing. */
  async list(): Promise<Listing> {
    const { stdout } = await this.#run(['-j', 'list', 'ruleset']);
    const objects = await this.#withDevices(parseListing(stdout));
    const tables = objects.flatMap(({ table }) =>
      table === undefined ? [] : [{ family: table.family as Family, name: String(table.name) }],
    );
    return { tables, objects };
  }

  /** What is in these tables and not what was meant; empty when all is well. */
  async compare(meant: readonly Table[]): Promise<Difference[]> {
    return compare(canonicalTables(meant), canonicalOf(await this.list(), meant));
  }

  /** Named counters of one table. */
  async counters(table: TableRef): Promise<Map<string, CounterValue>> {
    const { stdout } = await this.#run(['-j', 'list', 'counters', 'table', table.family, table.name]);
    return countersIn(parseListing(stdout), table);
  }

  /**
   * Changes as they happen, until the signal. Ends with an `NftError` when the program ends by itself; events may have
   * been lost then.
   */
  async *monitor(signal: AbortSignal): AsyncGenerator<NftEvent, void> {
    const [program = '', ...args] = this.#command;
    const child = spawn(program, [...args, '-j', 'monitor'], {
      env: ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'ignore'],
      signal,
    });
    let failure = 'ended by itself';
    child.once('error', (error) => {
      failure = error.message;
    });
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        const event = parseEvent(line);
        if (event !== undefined) yield event;
      }
    } finally {
      child.kill('SIGKILL');
    }
    if (!signal.aborted) throw new NftError('failed', `nft monitor: ${failure}`);
  }

  async #run(args: readonly string[], input?: string): Promise<Ran> {
    const command = [...this.#command, ...args];
    const ran =
      input === undefined
        ? await run(command, this.#timeoutMs)
        : await runWithInput(command, input, this.#timeoutMs, this.#scratch);
    if (ran.code !== 0) {
      throw new NftError(
        codeOf(ran.stderr),
        ran.stderr.trim().split('\n')[0] || `ended with code ${ran.code}`,
      );
    }
    return ran;
  }

  /** `table` is family and name. Empty when the table is gone since it was listed: the chains are then without device. */
  async #devicesOf(table: string): Promise<ReadonlyMap<string, string[]>> {
    try {
      return devicesInText((await this.#run(['list', 'table', ...table.split(' ')])).stdout);
    } catch (error) {
      if (error instanceof NftError && error.code === 'not-found') return new Map();
      throw error;
    }
  }

  /** Fills in the devices that nft 1.0 leaves out of its JSON, from its text. */
  async #withDevices(objects: NftObject[]): Promise<NftObject[]> {
    const devices = new Map<string, string[]>();
    for (const { chain } of objects.filter(lacksDevice)) {
      const table = `${chain?.family} ${chain?.table}`;
      if (devices.has(table)) continue;
      devices.set(table, []);
      for (const [name, found] of await this.#devicesOf(table)) devices.set(`${table} ${name}`, found);
    }
    return objects.map((object) => {
      if (!lacksDevice(object) || object.chain === undefined) return object;
      const found = devices.get(`${object.chain.family} ${object.chain.table} ${object.chain.name}`) ?? [];
      return { chain: { ...object.chain, dev: found.length === 1 ? found[0] : found } };
    });
  }
}

/** Named counters of one table out of a listing. */
export function countersIn(objects: readonly NftObject[], table: TableRef): Map<string, CounterValue> {
  const values = new Map<string, CounterValue>();
  for (const object of objects) {
    const counter = object.counter;
    if (counter === undefined || !belongsTo(object, table)) continue;
    values.set(String(counter.name), { packets: Number(counter.packets), bytes: Number(counter.bytes) });
  }
  return values;
}
