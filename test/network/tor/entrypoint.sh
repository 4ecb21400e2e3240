#!/bin/bash
# entrypoint.sh authority|exit|client
#   NAME         nickname
#   ADDRESS      own IPv4 address
#   AUTHORITIES  how many directory authorities to wait for
#   SITE         host of the web server behind the onion service   (client)
# Keys are made here, in the container's own layer: a restart keeps them, the container's end forgets them.
# /net is shared by the network's containers and the host: /net/authorities, and /net/tor for the client's sockets.
set -euo pipefail

role=$1
data=/var/lib/tor
as_tor() { setpriv --reuid debian-tor --regid debian-tor --clear-groups "$@"; }

common() {
  cat <<CONF
DataDirectory $data
Nickname $NAME
Log notice stdout
SafeLogging 0
RunAsDaemon 0
TestingTorNetwork 1
AssumeReachable 1
PathsNeededToBuildCircuits 0.67
ContactInfo test@allium.invalid
CONF
  cat /net/authorities/*.line
}

relay() {
  cat <<CONF
Address $ADDRESS
ORPort $ADDRESS:9001 IPv4Only
DirPort $ADDRESS:9030 IPv4Only
SocksPort 0
ExitRelay 1
ExitPolicy accept *:*
ExitPolicyRejectPrivate 0
ServerDNSDetectHijacking 0
ServerDNSTestAddresses
NumCPUs 1
CONF
}

authority() {
  cat <<CONF
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
V3AuthVotingInterval 20
V3AuthVoteDelay 4
V3AuthDistDelay 4
TestingV3AuthInitialVotingInterval 20
TestingV3AuthInitialVoteDelay 4
TestingV3AuthInitialDistDelay 4
TestingAuthDirTimeToLearnReachability 0
TestingMinExitFlagThreshold 0
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
CONF
}

# Loose where a client must be to talk to private addresses; as strict as in production about who shares a circuit.
# Its onion service leads to the clearnet page; its name is in /net/tor/onion/hostname.
client() {
  cat <<CONF
SocksPort unix:/net/tor/socks WorldWritable IsolateSOCKSAuth IsolateClientProtocol KeepAliveIsolateSOCKSAuth
SocksPort $ADDRESS:9050 IsolateSOCKSAuth
SocksPolicy accept *
ControlSocket unix:/net/tor/control GroupWritable RelaxDirModeCheck
ControlSocketsGroupWritable 1
CookieAuthentication 0
ClientRejectInternalAddresses 0
ClientDNSRejectInternalAddresses 0
ClientOnly 1
HiddenServiceDir /net/tor/onion
HiddenServicePort 80 ${SITE:?is the web server behind the onion service}:8080
CONF
}

new_authority() { # makes the keys once, then says so to the others
  [ -s "$data/keys/authority_certificate" ] && return
  as_tor mkdir -m 700 -p "$data/keys"
  (cd "$data/keys" && echo "" | as_tor tor-gencert --create-identity-key -m 12 -a "$ADDRESS:9030" --passphrase-fd 0)
  printf 'DataDirectory %s\nNickname %s\nAddress %s\nORPort %s:9001\nSocksPort 0\n' \
    "$data" "$NAME" "$ADDRESS" "$ADDRESS" >/tmp/fingerprint.conf
  local fingerprint v3ident
  fingerprint=$(as_tor tor -f /tmp/fingerprint.conf --list-fingerprint --quiet | sed 's/^[^ ]* //')
  v3ident=$(sed -n 's/^fingerprint //p' "$data/keys/authority_certificate")
  echo "DirAuthority $NAME orport=9001 no-v2 v3ident=$v3ident $ADDRESS:9030 $fingerprint" >"/net/authorities/$NAME.tmp"
  mv "/net/authorities/$NAME.tmp" "/net/authorities/$NAME.line"
}

chown debian-tor:debian-tor "$data"
chmod 700 "$data"
mkdir -p /net/authorities
[ "$role" = authority ] && new_authority
until [ "$(find /net/authorities -name '*.line' | wc -l)" -ge "$AUTHORITIES" ]; do sleep 0.2; done

torrc=/tmp/torrc
common >"$torrc"
case $role in
  authority) { relay; authority; } >>"$torrc" ;;
  exit) relay >>"$torrc" ;;
  client)
    install -d -o debian-tor -g debian-tor -m 755 /net/tor
    client >>"$torrc"
    ;;
  *)
    echo "no such role: $role" >&2
    exit 2
    ;;
esac
# Crashes are answered here: Docker's own restart would also bring the network back when the machine starts.
until as_tor tor -f "$torrc" --quiet; do
  echo "entrypoint: tor ended with code $?, starting it again"
  sleep 1
done
