#!/bin/sh
# Exit code 0 while the rules are there.
nft list chain inet allium_hostguard in 2>/dev/null | grep -q 'counter name "to_host" drop'
