#!/bin/bash
# Makes every file of ../captured anew, on an engine without an appliance: some three minutes. From the repository:
#   bash test/supervisor/support/capture-all.sh
# The supervisor is killed first, so that nobody repairs what is captured.
set -eu

compose() { docker compose -f compose.yaml -f test/compose/overlay.test-network.yaml "$@"; }
capture() { node test/supervisor/support/capture.ts "$1"; }
stranger() { docker run --detach --name "$1" --network "$2" debian:trixie-slim sleep 300; }

trap 'docker rm --force stranger-joined stranger-up 2>/dev/null; compose down --volumes --timeout 2; docker network rm stranger-net' EXIT
compose build --quiet
compose up --detach
docker exec allium-supervisor-1 allium status --wait 120
capture open
docker kill allium-supervisor-1
docker network disconnect allium_ext allium-fence-1
capture unplugged

stranger stranger-joined container:allium-gate-1
capture stranger-in-gate
docker rm --force stranger-joined
stranger stranger-up allium_up
capture stranger-on-up
docker rm --force stranger-up

docker network create stranger-net
docker network connect stranger-net allium-fence-1
capture fence-foreign-network
docker network disconnect stranger-net allium-fence-1
docker kill allium-forwarder-1
capture forwarder-ended

# The policy service seals within 2 s of each of these.
docker network connect stranger-net allium-gate-1
sleep 4
capture gate-foreign-network
docker network disconnect stranger-net allium-gate-1
sleep 4
capture gate-route-left
docker restart --time 0 allium-gate-1
sleep 4
capture gate-restarted
docker kill allium-gate-1
sleep 2
capture gate-ended
docker rm --force allium-gate-1
capture gate-missing
