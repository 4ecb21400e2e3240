import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { NftError } from './errors.ts';

/** A listing larger than this is not read to the end: bytes. */
const MAX_OUTPUT = 32 << 20;

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program sees no environment but this: no translations, no libnftables debugging. */
export const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** Runs a program to its end. Throws `NftError` (`no-program`, `timeout`, `too-large`) when that cannot be had. */
export async function run(command: readonly string[], timeoutMs: number, input?: FileHandle): Promise<Ran> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env: ENVIRONMENT, stdio: [input?.fd ?? 'ignore', 'pipe', 'pipe'] });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const give = (code: 'no-program' | 'timeout' | 'too-large', why: string): void => {
    child.kill('SIGKILL');
    reject(new NftError(code, `${program}: ${why}`));
  };
  const timer = setTimeout(() => give('timeout', `no end within ${timeoutMs} ms`), timeoutMs);
  const output = collect(child, () => give('too-large', `more than ${MAX_OUTPUT} bytes of output`));
  child.once('error', (error) => give('no-program', error.message));
  child.once('close', (code) => resolve(code ?? 1));
  try {
    const code = await promise;
    return { code, stdout: output.stdout.join(''), stderr: output.stderr.join('') };
  } finally {
    clearTimeout(timer);
  }
}

function collect(child: ChildProcess, tooMuch: () => void): { stdout: string[]; stderr: string[] } {
  const output = { stdout: [] as string[], stderr: [] as string[] };
  let size = 0;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      size += text.length;
      if (size > MAX_OUTPUT) tooMuch();
      else output[name].push(text);
    });
  }
  return output;
}

/**
 * Runs with `text` as standard input. nft opens /dev/stdin by its path, which fails for the sockets that Node uses as
 * pipes; so the input is a file that has no name any more when the program starts. nft 1.1 reads the descriptor itself:
 * its position must still be the start.
 */
export async function runWithInput(
  command: readonly string[],
  text: string,
  timeoutMs: number,
  directory: string,
): Promise<Ran> {
  const path = join(directory, `nft-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new NftError('failed', `no scratch file in ${directory} (${error.code})`);
  });
  try {
    await unlink(path);
    await writeAtStart(file, Buffer.from(text));
    return await run(command, timeoutMs, file);
  } finally {
    await file.close();
  }
}

/** Writes by position, which leaves the position of the descriptor where it is. */
async function writeAtStart(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, done)).bytesWritten;
  }
}
