/** A few questions to Tor's control port on its Unix socket. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

/** A whole conversation, in ms: the daemon is local and answers at once or is not there yet. */
const ANSWER_TIMEOUT_MS = 5_000;

/** Bootstrap progress in percent with Tor's own summary. Throws if nobody answers. */
export async function bootstrapPhase(controlPath: string): Promise<{ percent: number; summary: string }> {
  const reply = await ask(controlPath, 'GETINFO status/bootstrap-phase');
  const percent = /PROGRESS=(\d+)/.exec(reply)?.[1];
  if (percent === undefined) throw new Error(`Tor says ${JSON.stringify(reply.slice(0, 200))}`);
  return { percent: Number(percent), summary: /SUMMARY="([^"]*)"/.exec(reply)?.[1] ?? '' };
}

/** Sends one command, authenticated by being on this machine, and returns all that Tor says. */
export async function ask(controlPath: string, command: string): Promise<string> {
  const socket = connect(controlPath);
  socket.setTimeout(ANSWER_TIMEOUT_MS, () =>
    socket.destroy(new Error('Tor does not answer on its control socket')),
  );
  socket.write(`AUTHENTICATE\r\n${command}\r\nQUIT\r\n`);
  return await text(socket);
}
