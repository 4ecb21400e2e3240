import { z } from 'zod';
import { STATES } from './plan.ts';

/** `POST /state` */
export const stateRequest = z.strictObject({ state: z.enum(STATES) });
/** `POST /policy` */
export const policyRequest = z.strictObject({ policy: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/) });

export type Answer =
  | { readonly ok: true; readonly state: string; readonly policy: string; readonly digest: string }
  | { readonly ok: false; readonly code: string; readonly why: string };
