/** Names one pool of tunnels, and the local Destination that owns it. Chosen by whoever opens it, never used again. */
export type PoolId = number;

/** The router's own pool: for its questions of the NetDB, and lent to pools that have no tunnel yet. */
export const EXPLORATORY: PoolId = 0;
