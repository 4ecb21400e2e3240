#!/bin/sh
# Owns the gate's network namespace: deny all, no way out, then nothing. It must never do more: whoever joins the
# namespace depends on its life.
set -eu

RULES=${1:-/etc/allium}

# ARP and packet sockets pass no inet chain, so each interface gets a pair of its own; the policy service replaces all.
wires() {
  echo 'table netdev allium {'
  for path in /sys/class/net/*; do
    device=${path##*/}
    [ "$device" = lo ] && continue
    for hook in ingress egress; do
      echo "chain ${device}_$hook { type filter hook $hook device \"$device\" priority -500; policy drop; }"
    done
  done
  echo '}'
}

nft -j -f "$RULES/sealed.json"
wires | nft -f -
# Docker 20.10 to 24 give even internal networks a default route, to the host's end of the bridge.
while ip route del default 2>/dev/null; do :; done
sealed.sh
exec sleep infinity
