/** Everything that a user may ask "why" about; totals since the start. */
export const TUNNEL_COUNTERS = [
  'buildsStarted',
  'buildsAccepted',
  'buildsDeclined',
  'buildsTimedOut',
  /** the first or closest hop's session went away meanwhile */
  'buildsPeerDown',
  /** the reply did not authenticate, or our own record in it was changed */
  'buildsGarbled',
  /** `ChooseHops` had nobody */
  'buildsNoHops',
  /** `ChooseHops` gave hops that make no tunnel: twice the same, ourselves, or too few */
  'buildsBadHops',
  /** answers to builds that we don't know (any more), or from somebody else than the closest hop */
  'foreignReplies',
  'foreignTests',
  'testsSent',
  'testsPassed',
  'testsLost',
  'tunnelsExpired',
  'tunnelsPeerDown',
  'tunnelsTestFailed',
  /** tunnel messages whose tunnel ID means nothing here */
  'unknownTunnel',
  /** tunnel messages that did not decode: flipped bits, nonsense, wrong sizes */
  'garbledMessages',
  /** messages inside our tunnels with a delivery or type that has no business there */
  'refusedMessages',
  'replayedMessages',
  /** transit messages from another router than before */
  'strangerMessages',
  'expiredMessages',
  'transitAccepted',
  'transitDeclined',
  /** build requests not answered at all: garbled, replayed, too old, pointing at ourselves */
  'transitRefused',
] as const;
export type TunnelCounter = (typeof TUNNEL_COUNTERS)[number];

/** How often each thing of `TUNNEL_COUNTERS` happened since the start. */
export class TunnelCounters {
  readonly #values: Record<string, number> = Object.fromEntries(TUNNEL_COUNTERS.map((name) => [name, 0]));

  add(name: TunnelCounter, amount = 1): void {
    this.#values[name] = (this.#values[name] ?? 0) + amount;
  }

  /** Declines by code: `declined30`, and so on. */
  addDecline(code: number): void {
    const name = `declined${code}`;
    this.#values[name] = (this.#values[name] ?? 0) + 1;
  }

  snapshot(): Readonly<Record<string, number>> {
    return { ...this.#values };
  }
}
