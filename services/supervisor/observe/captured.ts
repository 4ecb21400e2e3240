import { z } from 'zod';

/**
 * What the engine and the services answer, cut down to what is looked at. Anything that does not have this shape is
 * refused: an engine that we do not understand is a doubt.
 */
const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((found) => found ?? {});

const attachments = z
  .record(z.string(), z.object({ NetworkID: z.string() }))
  .nullish()
  .transform((found) => found ?? {});

/** One row of the list of all containers. */
export const listedSchema = z.object({
  Id: z.string(),
  Names: z.array(z.string()),
  State: z.string(),
  Labels: labels,
  HostConfig: z.object({ NetworkMode: z.string() }),
  NetworkSettings: z.object({ Networks: attachments }).nullish(),
});

export const inspectedSchema = z.object({
  Id: z.string(),
  Name: z.string(),
  Image: z.string(),
  State: z.object({
    Status: z.string(),
    Running: z.boolean(),
    Paused: z.boolean(),
    Restarting: z.boolean(),
    StartedAt: z.string(),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
  Config: z.object({ Labels: labels }),
  HostConfig: z.object({ NetworkMode: z.string() }),
  NetworkSettings: z.object({ Networks: attachments }),
});

export const networkSchema = z.object({
  Id: z.string(),
  Name: z.string(),
  Internal: z.boolean(),
  Labels: labels,
});

export type Listed = z.output<typeof listedSchema>;
export type Inspected = z.output<typeof inspectedSchema>;
export type NetworkInspected = z.output<typeof networkSchema>;

/** Everything that one look collects. Services that do not answer are left out. */
export interface Captured {
  readonly project: string;
  /** name of a network outside the project that is to be used as `ext` */
  readonly ext?: string | undefined;
  /** all containers of the engine, ours or not */
  readonly listed: readonly unknown[];
  /** our own, by compose's labels */
  readonly inspected: readonly unknown[];
  readonly networks: readonly unknown[];
  /** container id → `net:[4026532000]`, for those that run */
  readonly netns: Readonly<Record<string, string>>;
  readonly policy?: unknown;
  readonly tor?: { readonly percent: number; readonly summary: string } | undefined;
  readonly router?: unknown;
  readonly relays?: number | undefined;
  readonly relaysTaken?: boolean | undefined;
  /** containers that we made ourselves for a short while: id → value of their label; they may be in the fence */
  readonly guests?: ReadonlyMap<string, string> | undefined;
}
