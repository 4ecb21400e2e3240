#!/bin/bash
# apt-install.sh PACKAGE...: installs from Debian without questions; its log is a file, its error one line.
set -euo pipefail

cache=${ALLIUM_CACHE:-$([ "$(id -u)" = 0 ] && echo /var/cache/allium || echo "$HOME/.cache/allium")}
fail() {
  echo "apt-install: $*" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail "missing: $*, and only root can install it"
command -v apt-get >/dev/null || fail "missing: $*, and this is no Debian to install it on"
mkdir -p "$cache"
echo "apt-install: $*"
# RUNLEVEL=1: an installed daemon is not started; who needs one starts its own.
get() { RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >>"$cache/apt.log" 2>&1 </dev/null; }
get "$@" && exit
# The package lists of a fresh machine are absent or old. One dead third-party source must not stop us.
apt-get update -q >>"$cache/apt.log" 2>&1 </dev/null || true
get "$@" || fail "cannot install $*; see $cache/apt.log"
