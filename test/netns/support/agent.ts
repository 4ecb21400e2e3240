/**
 * Runs inside a namespace of the lab and does what it is told over IPC. One process for each namespace and user, so
 * that a probe costs a socket and not a process.
 */
import { createSocket, type Socket } from 'node:dgram';
import { connect, createServer, type Socket as TcpSocket } from 'node:net';

export type Command =
  | { readonly do: 'become'; readonly uid: number }
  | { readonly do: 'serve-tcp' | 'serve-udp'; readonly port: number; readonly host?: string }
  | {
      readonly do: 'connect';
      readonly host: string;
      readonly port: number;
      readonly ms: number;
      readonly localPort?: number;
    }
  | { readonly do: 'ask'; readonly host: string; readonly port: number; readonly ms: number }
  | {
      readonly do: 'send';
      readonly host: string;
      readonly port: number;
      readonly size?: number;
      readonly count?: number;
    }
  | { readonly do: 'flood'; readonly host: string; readonly port: number }
  | { readonly do: 'end-flood' }
  | { readonly do: 'hold'; readonly host: string; readonly port: number }
  | { readonly do: 'last-echo' };

const servers: unknown[] = [];
let flood: { socket: Socket; timer: NodeJS.Timeout; sent: number } | undefined;
let lastEcho = 0;

process.on('message', (message: { id: number; command: Command }) => {
  void run(message.command).then(
    (result) => process.send?.({ id: message.id, result }),
    (error: unknown) => process.send?.({ id: message.id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());

async function run(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'become':
      process.setgid?.(command.uid);
      return process.setuid?.(command.uid);
    case 'serve-tcp':
      return serveTcp(command.port, command.host ?? '0.0.0.0');
    case 'serve-udp':
      return serveUdp(command.port, command.host ?? '0.0.0.0');
    case 'connect':
      return tryConnect(command);
    case 'ask':
      return ask(command.host, command.port, command.ms);
    case 'send':
      return send(command.host, command.port, command.size ?? 16, command.count ?? 1);
    case 'flood':
      return startFlood(command.host, command.port);
    case 'end-flood':
      return endFlood();
    case 'hold':
      return hold(command.host, command.port);
    case 'last-echo':
      return lastEcho;
  }
}

/** Echoes everything. */
function serveTcp(port: number, host: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  servers.push(server);
  server.once('error', reject);
  server.listen(port, host, resolve);
  return promise;
}

function serveUdp(port: number, host: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = createSocket('udp4');
  servers.push(socket);
  socket.once('error', reject);
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address, () => undefined));
  socket.bind(port, host, resolve);
  return promise;
}

function tryConnect(to: Extract<Command, { do: 'connect' }>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({
    host: to.host,
    port: to.port,
    ...(to.localPort === undefined ? {} : { localPort: to.localPort }),
  });
  const timer = setTimeout(() => resolve('timeout'), to.ms);
  socket.once('connect', () => resolve('open'));
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

/** One datagram; `answer` when any comes back. */
function ask(host: string, port: number, ms: number): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = createSocket('udp4');
  const timer = setTimeout(() => resolve('timeout'), ms);
  socket.once('message', () => resolve('answer'));
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  socket.send('question', port, host, (error) => {
    if (error) resolve((error as NodeJS.ErrnoException).code ?? 'error');
  });
  return promise.finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}

async function send(host: string, port: number, size: number, count: number): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  let last = 'sent';
  for (let i = 0; i < count; i++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.send(Buffer.alloc(size), port, host, (error) => {
      if (error) last = (error as NodeJS.ErrnoException).code ?? 'error';
      resolve();
    });
    await promise;
  }
  socket.close();
  return last;
}

/** Datagrams of a flood for each ms. */
const FLOOD_RATE = 3;
/** Made up for at once after a pause, datagrams. */
const FLOOD_DEBT = 60;

/** 3,000 datagrams a second, however late the timer. */
function startFlood(host: string, port: number): void {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  let last = performance.now();
  const running = { socket, timer: setInterval(burst, 1), sent: 0 };
  flood = running;
  function burst(): void {
    const due = Math.min(FLOOD_DEBT, Math.floor((performance.now() - last) * FLOOD_RATE));
    last += due / FLOOD_RATE;
    if (due === FLOOD_DEBT) last = performance.now();
    for (let i = 0; i < due; i++) socket.send('flood', port, host, (error) => void (error ?? running.sent++));
  }
}

function endFlood(): number {
  if (flood === undefined) return 0;
  clearInterval(flood.timer);
  const { sent, socket } = flood;
  socket.close();
  flood = undefined;
  return sent;
}

/** Opens a connection to an echo server and writes every 20 ms; `last-echo` says when the last echo came, ms. */
function hold(host: string, port: number): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket: TcpSocket = connect({ host, port });
  socket.setNoDelay(true);
  lastEcho = 0;
  socket.on('data', () => {
    lastEcho = Date.now();
    resolve('echo');
  });
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  const timer = setInterval(() => socket.write('x'), 20);
  socket.once('close', () => clearInterval(timer));
  return promise;
}
