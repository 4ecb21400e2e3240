import { z } from 'zod';

/** What every server here answers when it does not do what was asked; the status says whose fault it is. */
export const refusal = z.object({ ok: z.literal(false), code: z.string(), why: z.string() });
export type Refusal = z.output<typeof refusal>;
