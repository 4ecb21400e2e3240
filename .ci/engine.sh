#!/bin/bash
# Makes a Docker engine with compose and buildx answer on this Debian machine. Safe to repeat: what is there stays.
# Shell, because it runs before `npm ci` has brought the Node that understands TypeScript.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${ALLIUM_CACHE:-$([ "$(id -u)" = 0 ] && echo /var/cache/allium || echo "$HOME/.cache/allium")}
plugins=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins
ready() { docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; }
fail() {
  echo "engine: $*" >&2
  exit 1
}

ready && exit 0

[ "$(id -u)" = 0 ] || fail "no Docker engine with compose and buildx answers, and only root can install one"
mkdir -p "$cache"

if ! docker info >/dev/null 2>&1; then
  "$here/apt-install.sh" engine
  # A killed engine leaves its number behind; another process may have it by now, and dockerd would refuse to start.
  pid=$(cat /var/run/docker.pid 2>/dev/null || true)
  [ -z "$pid" ] || [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || rm -f /var/run/docker.pid
  echo "engine: starting dockerd, its log is $cache/dockerd.log"
  setsid dockerd >"$cache/dockerd.log" 2>&1 </dev/null &
  for _ in $(seq 120); do
    docker info >/dev/null 2>&1 && break
    kill -0 $! 2>/dev/null || fail "dockerd ended: $(tail -n 3 "$cache/dockerd.log")"
    sleep 0.5
  done
  docker info >/dev/null 2>&1 || fail "dockerd did not answer within 60 s; see $cache/dockerd.log"
fi

# Debian 12 packages neither plugin. Debian 13's run here as they are, so they are unpacked, never installed:
# a private package list keeps this machine's own apt on its own suite.
plugin() { # package, file inside the package
  local name=${2##*/}
  docker "${name#docker-}" version >/dev/null 2>&1 && return
  echo "engine: fetching $1 of Debian 13"
  local work
  work=$(mktemp -d)
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$plugins"
  echo "deb $("$here/mirror.sh") trixie main" >"$work/sources.list"
  local apt=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o APT::Sandbox::User=root
    -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o Acquire::Languages=none)
  (cd "$work" && apt-get "${apt[@]}" update -q && apt-get "${apt[@]}" download -q "$1" && dpkg-deb -x ./*.deb root) \
    >"$cache/apt.log" 2>&1 || fail "cannot fetch $1; see $cache/apt.log"
  install -m 755 "$work/root$2" "$plugins/$name"
  rm -rf "$work"
}
plugin docker-compose /usr/libexec/docker/cli-plugins/docker-compose
plugin docker-buildx /usr/libexec/docker/cli-plugins/docker-buildx
ready || fail "the engine is up, but compose or buildx does not answer: $(docker compose version 2>&1 | tail -n 1)"
echo "engine: $(docker version --format 'Docker {{.Server.Version}}'), compose $(docker compose version --short)"
