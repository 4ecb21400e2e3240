import { spawnSync } from 'node:child_process';

export interface PerlQuestion {
  readonly source: string;
  readonly caseless: boolean;
  readonly subjects: readonly string[];
}

/**
 * What Perl finds: for each subject the first match replaced, then all matches replaced in the loop that Privoxy has
 * (pcrs.c): behind an empty match it goes on one character further. Undefined: no match.
 */
export type PerlAnswer = readonly (readonly [first: string, all: string] | undefined)[] | 'refused';

/** Each line: flags, source, subjects, in hex. Groups are written `<whole|one|two…>`. */
const SCRIPT = `
no warnings;
sub mark { my $s = shift; return '<' . join('|', map { defined $-[$_] ? substr($s, $-[$_], $+[$_] - $-[$_]) : '' } 0 .. $#+) . '>' }
while (<STDIN>) {
  chomp;
  my ($flags, $source, @subjects) = map { pack 'H*', $_ } split /,/, $_, -1;
  my $re = eval { $flags eq 'i' ? qr/(?:$source)/i : qr/(?:$source)/ };
  if (!defined $re) { print "refused\\n"; next }
  my @out;
  for my $subject (@subjects) {
    my ($one, $all) = ($subject, $subject);
    if ($one !~ s/$re/mark($subject)/e) { push @out, '-'; next }
    my ($from, $copied) = (0, 0);
    for ($all = ''; $from <= length $subject; ) {
      pos($subject) = $from;
      last unless $subject =~ /$re/g;
      my ($start, $end) = ($-[0], $+[0]);
      $all .= substr($subject, $copied, $start - $copied) . mark($subject);
      $copied = $end;
      $from = $end > $start ? $end : $end + 1;
    }
    $all .= substr($subject, $copied);
    push @out, unpack('H*', $one) . '/' . unpack('H*', $all);
  }
  print join(',', @out), "\\n";
}
`;

/** Asks the real Perl, all at once. Throws when there is none. */
export function askPerl(questions: readonly PerlQuestion[]): PerlAnswer[] {
  const input = questions.map(({ source, caseless, subjects }) =>
    [caseless ? 'i' : '', source, ...subjects]
      .map((text) => Buffer.from(text, 'latin1').toString('hex'))
      .join(','),
  );
  const { stdout, status, stderr } = spawnSync('perl', ['-e', SCRIPT], {
    input: `${input.join('\n')}\n`,
    encoding: 'latin1',
    timeout: 60_000,
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`perl: ${stderr}`);
  return stdout.trimEnd().split('\n').map(readAnswer);
}

function readAnswer(line: string): PerlAnswer {
  if (line === 'refused') return line;
  return line.split(',').map((part) => {
    if (part === '-') return undefined;
    const [first = '', all = ''] = part.split('/').map((hex) => Buffer.from(hex, 'hex').toString('latin1'));
    return [first, all] as const;
  });
}
