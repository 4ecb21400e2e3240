import type { Socket } from 'node:net';
import { plainAddress } from '@allium/common/net/client-counts.ts';
import { SLOW_CLIENT } from './answers.ts';
import { answerLimits, type Context } from './context.ts';
import { KEEP_ALIVE_MS, LINGER_MS, TUNNEL_IDLE_MS } from './limits.ts';
import { type Terms, Visit } from './visit.ts';

/** Requests of one client that are answered out of what had come before the one in front of them was. */
const PIPELINE_MAX = 16;

/** One connection of a workstation to the HTTP proxy. */
export class ClientVisit extends Visit {
  readonly socket: Socket;
  readonly context: Context;
  /** address and port of the client, and the address that it came to */
  readonly origin: string;
  readonly port: number;
  readonly listenAddress: string;
  /** host that a tunnel to port 80 was opened for; requests in it are in origin form */
  tunnelTo: string | undefined;

  constructor(socket: Socket, context: Context, terms: Terms, tunnelTo?: string) {
    super(socket, terms);
    this.socket = socket;
    this.context = context;
    this.tunnelTo = tunnelTo;
    this.origin = plainAddress(socket.remoteAddress);
    this.port = socket.remotePort ?? 0;
    this.listenAddress = plainAddress(socket.localAddress);
  }

  /** The next head is the first one of a tunnel: nothing of the client's is in it yet. */
  enterTunnel(authority: string): void {
    this.tunnelTo = authority;
    this.link.drop();
    this.enter('first');
  }

  /** The kernel asks whether the client is still there. */
  override expectSilence(): void {
    this.socket.setKeepAlive(true, KEEP_ALIVE_MS);
  }
}

/** What holds for workstations. */
export function clientTerms({ rules, limits, counters }: Context): Terms {
  const { settings } = rules;
  return {
    requestHead: limits,
    answerHead: answerLimits(limits),
    headMs: limits.headMs,
    keepAliveMs: settings.keepAliveMs,
    parentKeepAliveMs: settings.serverKeepAliveMs,
    silenceMs: settings.socketTimeoutMs,
    tunnelIdleMs: TUNNEL_IDLE_MS,
    lingerMs: LINGER_MS,
    pipelineMax: settings.toleratePipelining ? PIPELINE_MAX : 0,
    connectionHeaders: proxyConnection,
    slow: SLOW_CLIENT,
    count: (what) => counters.add(what),
  };
}

/** As Privoxy says it, and as HTTP/1.1 and 1.0 clients understand it. */
function proxyConnection(keep: boolean): readonly string[] {
  return keep ? ['Connection', 'keep-alive', 'Proxy-Connection', 'keep-alive'] : ['Connection', 'close'];
}
