import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RandomBytes } from '@allium/common/core/random.ts';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import { AddressHelpers } from '../../client/address-helper.ts';
import { busyPage, malformedPage, slowRequestPage, tooLargePage } from '../../client/error-pages.ts';
import { type AddressBooks, decideRequest } from '../../client/http-decision.ts';
import type { Naming } from '../../client/naming.ts';
import { OWN_FORM_MAX, ownPage, wantsForm } from '../../client/own-pages.ts';
import type { Page } from '../../client/pages.ts';
import type { HttpTarget } from '../../client/request-target.ts';
import { ConnectRelay } from './http-connect.ts';
import { HTTP_LIMITS, type HttpLimits, PIPELINED_MAX, STRICT_PARSER } from './http-limits.ts';
import { relayRequest, relayUpgrade, type SiteContext } from './http-site.ts';
import { PendingRequests } from './pending-requests.ts';
import { type RunningServer, runServer } from './running-server.ts';
import type { StreamDialer } from './stream-dialer.ts';
import { endWithPage, sendPage } from './write-page.ts';

export interface HttpProxyOptions {
  readonly dialer: StreamDialer;
  readonly naming: Naming;
  readonly random: RandomBytes;
  readonly limits?: Partial<HttpLimits>;
  /** milliseconds; `Date.now` when absent */
  readonly now?: () => number;
}

/** Starts an HTTP proxy for I2P sites. Nothing of it logs: its requests hold names. Throws `ListenError`. */
export function startHttpProxy(address: ListenAddress, options: HttpProxyOptions): Promise<RunningServer> {
  return runServer(new HttpProxy(options).server, address);
}

class HttpProxy {
  readonly server: Server;
  readonly #context: SiteContext;
  readonly #books: AddressBooks;
  readonly #connects: ConnectRelay;
  readonly #now: () => number;
  readonly #pending = new PendingRequests();
  /** connections that close after the request under way */
  readonly #ending = new WeakSet<Duplex>();

  constructor(options: HttpProxyOptions) {
    const limits = { ...HTTP_LIMITS, ...options.limits };
    const { dialer, naming } = options;
    this.#context = { dialer, limits };
    this.#now = options.now ?? Date.now;
    this.#books = { naming, helpers: new AddressHelpers(naming, options.random) };
    this.#connects = new ConnectRelay(this.#context, naming, this.#now);
    this.server = createServer({
      ...STRICT_PARSER,
      requireHostHeader: true,
      headersTimeout: limits.headMs,
      // Uploads take as long as they take; the exchange has its idle limit.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(1_000, limits.headMs / 4),
      keepAliveTimeout: limits.keepAliveMs,
      shouldUpgradeCallback: wantsWebSocket,
    });
    this.server.maxConnections = limits.connections;
    // 0: node would drop lines beyond a limit in silence; decideRequest counts them instead.
    this.server.maxHeadersCount = 0;
    this.#listen();
  }

  #listen(): void {
    // A fault of ours in one request costs its connection, not the router.
    const guard = (work: Promise<void>, socket: Duplex): void => void work.catch(() => socket.destroy());
    this.server.on('request', (req, res) => guard(this.#answer(req, res), req.socket));
    this.server.on('connect', (req, socket, head) => guard(this.#connects.relay(req, socket, head), socket));
    this.server.on('upgrade', (req, socket, head) => guard(this.#upgrade(req, socket, head), socket));
    this.server.on('clientError', (error, socket) => this.#refuse(error, socket));
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    res.sendDate = false;
    // A body that was not read to its end must not be taken for the next request.
    if (req.method !== 'GET' && req.method !== 'HEAD') res.shouldKeepAlive = false;
    const pending = this.#pending.begin(req.socket, res);
    // What is pipelined behind the last request of a connection can't be answered, so it must not be done.
    if (this.#ending.has(req.socket)) return;
    if (pending > PIPELINED_MAX) res.shouldKeepAlive = false;
    if (!res.shouldKeepAlive) this.#ending.add(req.socket);
    if (pending > PIPELINED_MAX) {
      sendPage(res, busyPage());
      return;
    }
    const decision = decideRequest(headOf(req), this.#books, this.#now());
    if (decision.kind === 'page') sendPage(res, decision.page);
    else if (decision.kind === 'own') await this.#answerOwn(req, res, decision.target);
    else await relayRequest(this.#context, decision, req, res);
  }

  async #answerOwn(req: IncomingMessage, res: ServerResponse, target: HttpTarget): Promise<void> {
    const head = headOf(req);
    const form = wantsForm(head.method, target) ? await readForm(req, this.#context.limits.headMs) : '';
    sendPage(
      res,
      form === undefined ? tooLargePage(413) : ownPage(head, target, form, this.#books.helpers, this.#now()),
    );
  }

  async #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const decision = decideRequest(headOf(req), this.#books, this.#now());
    if (decision.kind === 'site') await relayUpgrade(this.#context, decision, req, socket, head);
    else
      endWithPage(socket, decision.kind === 'page' ? decision.page : malformedPage('Nothing to upgrade to.'));
  }

  #refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
    const midway = this.#pending.on(socket) > 0;
    if (midway || error.code === 'ECONNRESET') socket.destroy();
    else endWithPage(socket, faultPage(error.code));
  }
}

function headOf(req: IncomingMessage): { method: string; url: string; headers: string[] } {
  return { method: req.method ?? '', url: req.url ?? '', headers: req.rawHeaders };
}

/** Any other Upgrade is dropped with the header that asks for it. */
function wantsWebSocket(req: IncomingMessage): boolean {
  return req.method === 'GET' && req.headers.upgrade?.toLowerCase() === 'websocket';
}

function faultPage(code: string | undefined): Page {
  if (code === 'HPE_HEADER_OVERFLOW') return tooLargePage(431);
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return slowRequestPage();
  return malformedPage('The request is not valid HTTP/1.1.');
}

/** `undefined` when the form is over its limit, breaks off, or takes longer than `ms`. */
async function readForm(req: IncomingMessage, ms: number): Promise<string | undefined> {
  const timer = setTimeout(() => req.destroy(), ms);
  let text = '';
  try {
    for await (const part of req.setEncoding('latin1')) {
      text += part;
      if (text.length > OWN_FORM_MAX) return undefined;
    }
    return text;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
