import { monitorEventLoopDelay } from 'node:perf_hooks';

/** ms between two looks; what is shorter is not seen. */
const RESOLUTION_MS = 20;
/** Figures are those of the current and the last period of so many ms. */
const PERIOD_MS = 60_000;
const NS_PER_MS = 1e6;

/** How late the event loop was, ms: nothing but our own work makes it late, or a machine that is too busy. */
export interface LagFigures {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Measures how late timers run. One thread does everything: tunnels, streams of all, keep-alives. */
export class EventLoopLag {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #last: LagFigures | undefined;
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#histogram.enable();
    this.#timer = setInterval(() => {
      this.#last = this.#current();
      this.#histogram.reset();
    }, PERIOD_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  /** The worse of this minute and the last. */
  get figures(): LagFigures {
    const [now, last] = [this.#current(), this.#last];
    if (last === undefined) return now;
    return {
      p50: Math.max(now.p50, last.p50),
      p99: Math.max(now.p99, last.p99),
      max: Math.max(now.max, last.max),
    };
  }

  /** The histogram holds whole delays between looks. */
  #current(): LagFigures {
    const lateness = (delay: number): number => Math.max(0, Math.round(delay / NS_PER_MS - RESOLUTION_MS));
    const { max } = this.#histogram;
    return {
      p50: lateness(this.#histogram.percentile(50)),
      p99: lateness(this.#histogram.percentile(99)),
      max: lateness(max),
    };
  }
}
