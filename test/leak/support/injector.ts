import { type ChildProcess, spawn } from 'node:child_process';
import { ENV, sh } from '../../netns/support/machine.ts';

const SEND_FRAMES = `
use Socket;
$| = 1;
socket(my $s, 17, 3, 0) or die "socket: $!";
while (my $hex = <STDIN>) {
  chomp $hex;
  my $frame = pack('H*', $hex);
  my $to = pack('S n i S C C a8', 17, unpack('n', substr($frame, 12, 2)), $ARGV[0], 0, 0, 6, substr($frame, 0, 6));
  # What an egress rule refuses is refused here already.
  send($s, $frame, 0, $to) or $!{EPERM} or $!{ENOBUFS} or warn "send: $!";
  print "\\n";
}`;

/** A packet socket on one device of the namespace that the command enters; needs perl. */
export class Injector {
  readonly #child: ChildProcess;
  #sent: (() => void) | undefined;
  #missing = 0;

  constructor(inNamespace: readonly string[], device: string) {
    const index = sh(...inNamespace, 'cat', `/sys/class/net/${device}/ifindex`).trim();
    const [program = '', ...args] = [...inNamespace, 'perl', '-e', SEND_FRAMES, index];
    this.#child = spawn(program, args, { env: ENV, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout?.on('data', (acknowledged: Buffer) => {
      this.#missing -= acknowledged.length;
      if (this.#missing === 0) this.#sent?.();
    });
  }

  /** Frames as hex, sent as they are. Resolves when all are on the wire. */
  send(frames: readonly string[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sent = resolve;
    this.#missing = frames.length;
    if (frames.length === 0) resolve();
    else this.#child.stdin?.write(`${frames.join('\n')}\n`);
    return promise;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}
