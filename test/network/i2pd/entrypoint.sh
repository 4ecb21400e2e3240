#!/bin/bash
# entrypoint.sh peer|eepsite|reader|client
#   FLOODFILL  true makes it one
#   ROUTERS    how many routers the network has (the client is not one of them): wait for all their RouterInfos
#   SITE       host of the web server behind the eepsite       (eepsite)
#   SOCKS      host:port of the Tor client to go through       (client)
# Keys are made here, in the container's own layer: a restart keeps them, the container's end forgets them.
# /net is shared by the network's containers and the host: /net/seed holds the first RouterInfo of every router,
# /net/eepsite.b32 the eepsite's name.
set -euo pipefail

role=$1
address=$(hostname -i)
data=/var/lib/i2pd
conf=/tmp/i2pd.conf
tunnels=/tmp/tunnels.conf
doors=127.0.0.1
[ "$role" = peer ] || doors=$address

# SSU2 is on between the peers: only its peer tests teach i2pd that it is reachable (caps R).
cat >"$conf" <<CONF
loglevel = warn
log = stdout
netid = 99
reservedrange = false
host = $address
address4 = $address
port = 4567
nat = false
ipv4 = true
ipv6 = false
bandwidth = X
share = 100
floodfill = ${FLOODFILL:-false}
tunconf = $tunnels
tunnelsdir = /tmp/no-tunnels
[ntcp2]
enabled = true
published = $([ "$role" = client ] && echo false || echo true)
$([ "$role" = client ] && echo "proxy = socks://$SOCKS")
[ssu2]
enabled = $([ "$role" = client ] && echo false || echo true)
published = $([ "$role" = client ] && echo false || echo true)
[reseed]
verify = false
threshold = 0
urls =
yggurls =
[addressbook]
enabled = false
[nettime]
enabled = false
frompeers = false
[persist]
profiles = false
[upnp]
enabled = false
[http]
enabled = true
address = $address
port = 7070
auth = false
strictheaders = false
[httpproxy]
enabled = $([ "$role" = peer ] && echo false || echo true)
address = $doors
port = 4444
[socksproxy]
enabled = $([ "$role" = peer ] && echo false || echo true)
address = $doors
port = 4447
[sam]
enabled = $([ "$role" = peer ] && echo false || echo true)
address = $doors
port = 7656
CONF
[ "$role" = client ] && sed -i '1i notransit = true' "$conf" && sed -i 's/^nat = false/nat = true/; /^address4/d' "$conf"

: >"$tunnels"
[ "$role" = eepsite ] && cat >"$tunnels" <<CONF
[eepsite]
type = http
host = $SITE
port = 80
keys = eepsite.dat
CONF

run=(setpriv --reuid i2pd --regid i2pd --clear-groups i2pd "--conf=$conf" "--datadir=$data")

# The hash of the identity that a file starts with: 387 bytes and what its certificate adds (common structures).
identity_hash() {
  local high low
  read -r high low < <(od -An -j385 -N2 -tu1 "$1")
  # shellcheck disable=SC2059 # the format is the hash, byte by byte
  printf "$(head -c $((387 + high * 256 + low)) "$1" | sha256sum | cut -c1-64 | sed 's/../\\x&/g')"
}

publish() { # file, name in /net
  cp "$1" "/net/$2.part"
  chmod 644 "/net/$2.part"
  mv "/net/$2.part" "/net/$2"
}

mkdir -p /net/seed /tmp/no-tunnels
chown -R i2pd:i2pd "$data"
if [ ! -s "$data/router.info" ]; then
  "${run[@]}" &
  until [ -s "$data/router.info" ] && { [ "$role" != eepsite ] || [ -s "$data/eepsite.dat" ]; }; do
    kill -0 $! || exit 1
    sleep 0.1
  done
  kill -KILL $!
  wait $! || true
fi

if [ "$role" = eepsite ]; then
  identity_hash "$data/eepsite.dat" | base32 | tr '[:upper:]' '[:lower:]' | tr -d '=\n' >/tmp/b32
  echo ".b32.i2p" >>/tmp/b32
  publish /tmp/b32 eepsite.b32
fi
if [ "$role" != client ]; then
  hash=$(identity_hash "$data/router.info" | base64 | tr '+/' '-~')
  publish "$data/router.info" "seed/routerInfo-$hash.dat"
fi

until [ "$(find /net/seed -name '*.dat' | wc -l)" -ge "$ROUTERS" ]; do sleep 0.2; done
for file in /net/seed/*.dat; do
  name=${file##*/}
  target=$data/netDb/r${name:11:1}
  mkdir -p "$target"
  [ "$name" = "routerInfo-${hash:-}.dat" ] || [ -e "$target/$name" ] || cp "$file" "$target/$name"
done
chown -R i2pd:i2pd "$data"
# Crashes are answered here: Docker's own restart would also bring the network back when the machine starts.
until "${run[@]}"; do
  echo "entrypoint: i2pd ended with code $?, starting it again"
  sleep 1
done
