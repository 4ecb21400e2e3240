import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ENV } from '../../netns/support/machine.ts';

/** What the kernel keeps for us while we are busy, bytes: some 20 s of the worst flood here. */
const BUFFER = 64 << 20;
/** Of each frame that much is kept, bytes: all headers, and what an ICMP error quotes. */
const KEPT = 256;
/** Kept between two looks; more different frames are no leak test any more, but an accident. */
const MOST_FRAMES = 1_000_000;
/** Datagrams to this port are alike but for their id: a flood is one frame with a count. */
export const FLOOD_PORT = 9998;

export interface Frame {
  /** interface index in the namespace of the sniffer */
  readonly device: number;
  /** false for what this side sent itself */
  readonly incoming: boolean;
  readonly bytes: Buffer;
  /** how many of the same */
  readonly count: number;
}

/**
 * A packet socket sees frames before every rule when they come in, and after every rule when they go out. A line on
 * standard input asks for all that is still in the kernel, and how much the kernel had to throw away.
 */
const LISTEN = `
use strict;
use Socket;
$| = 1;
my ($index, $buffer, $kept, $flood, $most) = @ARGV;
socket(my $s, 17, 3, 0) or die "socket: $!";
setsockopt($s, 1, 33, pack('i', $buffer)) or die "SO_RCVBUFFORCE: $!";
bind($s, pack('S n i S C C a8', 17, 3, $index, 0, 0, 0, '')) or die "bind: $!";
my %seen;
my $flooded = pack('n', $flood);
sub drain {
  while (defined(my $from = recv($s, my $frame, 65536, 0x40))) {
    my ($family, $type, $device, $kind, $direction) = unpack('S n i S C', $from);
    my $head = substr($frame, 0, $kept);
    if (substr($head, 12, 2) eq "\\x08\\x00" && substr($head, 23, 1) eq "\\x11" && substr($head, 36, 2) eq $flooded) {
      substr($head, 18, 2) = "\\0\\0";
      substr($head, 24, 2) = "\\0\\0";
    }
    die "too many frames" if ++$seen{pack('i C', $device, $direction) . $head} == 1 && keys(%seen) > $most;
  }
}
print "ready\\n";
my $input = fileno(STDIN);
while (1) {
  my $ready = '';
  vec($ready, fileno($s), 1) = 1;
  vec($ready, $input, 1) = 1;
  select($ready, undef, undef, undef);
  drain();
  next unless vec($ready, $input, 1);
  sysread(STDIN, my $line, 1) or last;
  drain();
  while (my ($key, $count) = each %seen) {
    my ($device, $direction) = unpack('i C', $key);
    print "$device $direction $count ", unpack('H*', substr($key, 5)), "\\n";
  }
  %seen = ();
  my $figures = getsockopt($s, 263, 6) or die "PACKET_STATISTICS: $!";
  my ($all, $lost) = unpack('II', $figures);
  print "done $lost\\n";
}`;

/** Collects every frame on one device, or on all of a namespace, from its start on. */
export class Sniffer {
  readonly #child: ChildProcess;
  readonly #ready = Promise.withResolvers<void>();
  #frames: Frame[] = [];
  #asked: ((lost: number) => void) | undefined;
  #broken: string | undefined;

  /** `index` 0 is every device, also those that come later. */
  constructor(inNamespace: readonly string[], index: number) {
    const args = ['-e', LISTEN, String(index), ...[BUFFER, KEPT, FLOOD_PORT, MOST_FRAMES].map(String)];
    const [program = '', ...rest] = [...inNamespace, 'perl', ...args];
    this.#child = spawn(program, rest, { env: ENV, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.once('close', (code) => this.#fail(`the sniffer ended with code ${code}`));
    if (this.#child.stdout === null) throw new Error('the sniffer has no output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#line(line));
  }

  ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** All frames since the last call. Throws when one was lost, for then nothing is proven. */
  async take(): Promise<readonly Frame[]> {
    if (this.#broken !== undefined) throw new Error(this.#broken);
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#asked = resolve;
    this.#child.stdin?.write('?');
    const lost = await promise;
    if (lost !== 0) throw new Error(`blind: ${lost > 0 ? `${lost} frames were lost` : this.#broken}`);
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }

  #line(line: string): void {
    if (line === 'ready') return this.#ready.resolve();
    const [device = '', direction = '', count, hex = ''] = line.split(' ');
    if (device === 'done') return this.#asked?.(Number(direction));
    // 4 is PACKET_OUTGOING.
    const incoming = direction !== '4';
    this.#frames.push({
      device: Number(device),
      incoming,
      bytes: Buffer.from(hex, 'hex'),
      count: Number(count),
    });
  }

  #fail(why: string): void {
    this.#broken ??= why;
    this.#ready.reject(new Error(why));
    this.#asked?.(-1);
  }
}
