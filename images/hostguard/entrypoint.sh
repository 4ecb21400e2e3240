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

while :; do
  "$(dirname "$0")/guarded.sh" || nft -f "$RULES/guard.nft"
  sleep "$LOOK" &
  wait $! || true
done
