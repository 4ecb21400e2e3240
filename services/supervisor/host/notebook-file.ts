import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { policyName } from '@allium/common/contracts/policy.ts';
import { z } from 'zod';
import { type Blueprint, blueprintSchema } from '../execute/blueprint.ts';
import type { Notebook } from '../execute/ports.ts';
import { ROLES } from '../observe/roles.ts';
import type { Role } from '../observe/topology.ts';
import type { Asked } from '../plan/memory.ts';

const fileSchema = z.strictObject({
  policy: policyName,
  blueprints: z.partialRecord(z.enum(ROLES), blueprintSchema),
});

/** What must outlive the process: the wanted policy, and how to make each container. What was asked for must not. */
export class NotebookFile implements Notebook {
  asked: Asked | undefined;
  readonly #file: string;
  #policy: string;
  #blueprints: Partial<Record<Role, Blueprint>>;

  /** A file that cannot be read, or not understood, counts as none: compose's containers are looked at anew. */
  constructor(folder: string, defaultPolicy: string) {
    this.#file = join(folder, 'notebook.json');
    const found = readNotebook(this.#file);
    this.#policy = found?.policy ?? defaultPolicy;
    this.#blueprints = found?.blueprints ?? {};
  }

  get policy(): string {
    return this.#policy;
  }

  set policy(name: string) {
    this.#policy = name;
    this.#write();
  }

  get known(): ReadonlySet<Role> {
    return new Set(ROLES.filter((role) => this.#blueprints[role] !== undefined));
  }

  blueprint(role: Role): Blueprint | undefined {
    return this.#blueprints[role];
  }

  /** Keeps it if compose made this container anew; one that we made ourselves says the same. */
  learn(role: Role, blueprint: Blueprint): void {
    const known = this.#blueprints[role];
    if (known?.version === blueprint.version && known.name === blueprint.name) return;
    this.#blueprints = { ...this.#blueprints, [role]: blueprint };
    this.#write();
  }

  #write(): void {
    const text = JSON.stringify({ policy: this.#policy, blueprints: this.#blueprints });
    writeFileSync(`${this.#file}.part`, text, { mode: 0o600 });
    renameSync(`${this.#file}.part`, this.#file);
  }
}

function readNotebook(file: string): z.output<typeof fileSchema> | undefined {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
