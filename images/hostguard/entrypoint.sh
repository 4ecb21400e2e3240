#!/bin/sh
# Keeps the guard's table in the machine's own namespace, and takes it away when it is told to end. Killed, it stays.
set -eu

RULES=${1:-/etc/allium}
# seconds between two looks: `nft flush ruleset`, or a firewall that is reloaded, takes our table along
LOOK=2

end() {
  nft delete table inet allium_hostguard 2>/dev/null || true
  exit 0
}
trap end TERM INT

# Without the counters.
listing() { nft -s list table inet allium_hostguard 2>/dev/null || true; }

known=''
while :; do
  # Any change of it is undone, not only its absence.
  if [ -z "$known" ] || [ "$(listing)" != "$known" ]; then
    nft -f "$RULES/guard.nft"
    known=$(listing)
  fi
  sleep "$LOOK" &
  wait $! || true
done
