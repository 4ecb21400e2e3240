# sniff.pl SECONDS: what leaves this namespace, by interface. Frames that differ only beyond addresses, ports and kind
# are counted as one: a download must not drown the rest.
use strict; use warnings; use Socket;
my ($seconds) = @ARGV;
$| = 1;
# AF_PACKET, SOCK_RAW, all protocols
socket(my $socket, 17, 3, unpack('S', pack('n', 3))) or die "no packet socket: $!\n";
for my $line (`ip -o -4 address show`) {
  print "interface $1 $2 $3\n" if $line =~ /^(\d+): (\S+)\s+inet ([\d.]+)/;
}
my (%count, %first);
my $end = time + $seconds;
while (time < $end) {
  vec(my $ready = '', fileno($socket), 1) = 1;
  next unless select($ready, undef, undef, 0.2);
  my $from = recv($socket, my $frame, 128, 0) or next;
  my ($index, $type) = unpack('x4 l x2 C', $from);
  next unless $type == 4; # PACKET_OUTGOING
  my $key = "$index " . unpack('H*', substr($frame, 12, 3) . substr($frame, 20, 2) . substr($frame, 23, 1) . substr($frame, 26, 12));
  # More kinds than this is no traffic of ours.
  if (!exists $count{$key} && keys %count >= 10_000) { print "overflow\n"; last }
  $count{$key}++;
  $first{$key} //= unpack('H*', substr($frame, 0, 64));
}
for my $key (keys %count) {
  my ($index) = split / /, $key;
  print "frame $index $count{$key} $first{$key}\n";
}
print "end\n";
