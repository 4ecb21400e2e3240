# send.pl GATE [HEX…]: without frames, who we are and who the gate is; with them, sends each twice.
use strict; use warnings; use Socket;
my ($gate, @frames) = @ARGV;
my ($device) = grep { $_ ne 'lo' } map { m{([^/]+)$} } glob '/sys/class/net/*';
if (!@frames) {
  # The kernel asks for the hardware address; the datagram itself goes to a closed port.
  socket(my $udp, PF_INET, SOCK_DGRAM, 17) or die;
  send($udp, 'x', 0, pack_sockaddr_in(9, inet_aton($gate)));
  select(undef, undef, undef, 1.5);
  open(my $own, '<', "/sys/class/net/$device/address") or die; chomp(my $mac = <$own>);
  open(my $arp, '<', '/proc/net/arp') or die;
  while (<$arp>) { print "site $mac $1\n" if /^\Q$gate\E\s+\S+\s+0x2\s+(\S+)/ }
  exit;
}
socket(my $raw, 17, 3, unpack('S', pack('n', 3))) or die "no packet socket: $!\n";
open(my $number, '<', "/sys/class/net/$device/ifindex") or die; chomp(my $index = <$number>);
my $to = pack('S n l S C C a8', 17, 3, $index, 1, 0, 6, '');
my $sent = 0;
for my $round (1, 2) {
  for my $hex (@frames) {
    $sent++ if defined send($raw, pack('H*', $hex), 0, $to);
    select(undef, undef, undef, 0.005);
  }
}
print "sent $sent\n";
