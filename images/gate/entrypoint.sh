#!/bin/sh
# Owns the gate's network namespace: deny all, no way out, then nothing. It must never do more: whoever joins the
# namespace depends on its life.
set -eu

nft -j -f /etc/allium/sealed.json
# Docker 20.10 to 24 give even internal networks a default route, to the host's end of the bridge.
while ip route del default 2>/dev/null; do :; done
sealed.sh
exec sleep infinity
