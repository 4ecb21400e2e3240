#!/bin/sh
# Exit code 0 while the rules are there.
set -eu

rules=$(nft list table inet allium_hostguard 2>/dev/null)
echo "$rules" | grep -q 'counter name "to_host" drop'
echo "$rules" | grep -q 'iifname "allium-lan" oifname != "allium-lan" counter name "past_gate" drop'
