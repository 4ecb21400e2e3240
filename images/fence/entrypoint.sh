#!/bin/sh
# Owns the network namespace of the uplink, and keeps its rules to the interfaces that are there. The uplink itself has
# no capability. Deny all comes first; doubt goes back to it. Whoever kills this takes the namespace and its links along.
set -eu

OWN=172.31.255.3
GATE=172.31.255.2
RULES=${1:-/etc/allium}
# seconds between two looks at the interfaces; the rules of fence.nft fence a new one before that
LOOK=0.3
# looks from one reading of the rules to the next
READ_BACK=3

deny() {
  printf '%s\n' 'table inet fence' 'delete table inet fence' 'table netdev fence' 'delete table netdev fence' \
    'table inet fence {
      chain early_in { type filter hook prerouting priority -450; policy drop; }
      chain early_out { type filter hook output priority -450; policy drop; }
      chain forward { type filter hook forward priority 0; policy drop; }
    }' | nft -f -
}

# Names of the interfaces but lo; with `numbers`, name and number of each: the same name may be another interface.
devices() {
  for path in /sys/class/net/*; do
    [ "$path" = /sys/class/net/lo ] && continue
    printf '%s ' "${path##*/}"
    [ "${1:-}" != numbers ] || cat "$path/ifindex" || true
  done 2>/dev/null
}

# The one interface with our address towards the gate; by what it is, for names swap.
up_device() { ip -o -4 address show to "$OWN" | awk '{ print $2 }'; }

# Before any inet chain, and for packet sockets too: ARP and TCP over IPv4, under the address of that side.
wire() { # device, match of outgoing packets, match of incoming packets
  echo "chain $1_out { type filter hook egress device \"$1\" priority -500; policy drop; arp operation { request, reply } accept; $2 accept; }"
  echo "chain $1_in { type filter hook ingress device \"$1\" priority -500; policy drop; arp operation { request, reply } accept; $3 accept; }"
}

rules() { # up device, all devices
  echo "define up = \"$1\""
  echo 'include "fence.nft"'
  echo 'table netdev fence'
  echo 'delete table netdev fence'
  echo 'table netdev fence {'
  for device in $2; do
    if [ "$device" = "$1" ]; then
      wire "$device" "ip saddr $OWN tcp sport 3128" "ip daddr $OWN tcp dport 3128"
    else
      wire "$device" "ip saddr != $OWN ip protocol tcp" "ip daddr != $OWN ip protocol tcp"
    fi
  done
  echo '}'
}

load() {
  up=$(up_device)
  set -- $(devices)
  # Our own side and at most one more, or nothing passes.
  [ "$(echo "$up" | wc -w)" = 1 ] && [ $# -ge 1 ] && [ $# -le 2 ] || return 1
  rules "$up" "$*" | nft -I "$RULES" -f - || return 1
  # One question by ARP, if the gate is not known yet: so it forgets the hardware address of a fence that was here before.
  # Engines from 28 on draw a new one at each start; the gate would believe the old one for up to a minute.
  ip neigh replace "$GATE" dev "$up" use || true
}

# Without the counters.
listing() { nft -s list table inet fence && nft -s list table netdev fence; }

deny
loaded=''
looks=0
while :; do
  now=$(devices numbers)
  if [ "$now" != "$loaded" ]; then
    if load; then loaded=$now; known=$(listing); else deny; loaded=''; fi
  elif [ $((looks += 1)) -ge "$READ_BACK" ]; then
    looks=0
    # Somebody else's rules: without us the namespace and its links are gone, and everything is closed. The rules of an
    # interface go with it, so a device that has just left is no stranger's work.
    if [ "$(listing)" != "$known" ] && [ "$(devices numbers)" = "$now" ]; then
      echo 'fence: the rules are not the ones that were loaded' >&2
      exit 1
    fi
  fi
  sleep "$LOOK"
done
