import type { I2npMessage } from '../i2np/message.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { Delivery, TunnelOutput } from './tunnel-io.ts';
import type { TunnelSender } from './tunnel-sender.ts';

/** Sends through tunnels, and remembers which of them hold back a begun tunnel message. */
export class SendQueue {
  readonly #waiting = new Set<TunnelSender>();

  /** when `flush` wants to be called; undefined when nothing waits */
  get flushAt(): number | undefined {
    let at: number | undefined;
    for (const { flushAt } of this.#waiting) {
      if (flushAt !== undefined && (at === undefined || flushAt < at)) at = flushAt;
    }
    return at;
  }

  /** `bytes` is a message with the 16-byte header. undefined: too large for a tunnel. */
  send(
    sender: TunnelSender,
    delivery: Delivery,
    bytes: Uint8Array,
    id: number,
    now: number,
  ): TunnelOutput[] | undefined {
    const messages = sender.send(delivery, bytes, id, now);
    if (sender.flushAt === undefined) this.#waiting.delete(sender);
    else this.#waiting.add(sender);
    return messages && toRouter(sender.router, messages);
  }

  flush(now: number): TunnelOutput[] {
    const out: TunnelOutput[] = [];
    for (const sender of this.#waiting) {
      if (sender.flushAt !== undefined && now < sender.flushAt) continue;
      this.#waiting.delete(sender);
      out.push(...toRouter(sender.router, sender.flush(now)));
    }
    return out;
  }

  /** The tunnel is gone; what waits is lost. */
  forget(sender: TunnelSender): void {
    this.#waiting.delete(sender);
  }
}

export function toRouter(router: RouterHash, messages: readonly I2npMessage[]): TunnelOutput[] {
  return messages.map((message) => ({ kind: 'toRouter', router, message }));
}
