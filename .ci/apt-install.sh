#!/bin/bash
# apt-install.sh GROUP...: installs what is missing of these groups of .ci/packages, without questions and one at a time
# on this machine. Its log is a file, its error one line.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${ALLIUM_CACHE:-$([ "$(id -u)" = 0 ] && echo /var/cache/allium || echo "$HOME/.cache/allium")}
# seconds that somebody else's apt may take
WAIT=900
fail() {
  echo "apt-install: $*" >&2
  exit 1
}

# node_modules/.bin, which npm puts first in PATH, has a program called nft too.
has() {
  case $1 in
    /*) [ -e "$1" ] ;;
    *.so.*) /sbin/ldconfig -p | grep -qF "$1" ;;
    *) PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin command -v "$1" >/dev/null ;;
  esac
}
missing() {
  local group what package
  while read -r group what package; do
    for wanted in "$@"; do
      [ "$group" != "$wanted" ] || has "$what" || echo "$package"
    done
  done <"$here/packages" | sort -u
}

for wanted in "$@"; do
  grep -q "^$wanted " "$here/packages" || fail "no group $wanted in .ci/packages"
done
names=$(missing "$@" | xargs)
[ -n "$names" ] || exit 0
[ "$(id -u)" = 0 ] || fail "missing: $names, and only root can install it"
command -v apt-get >/dev/null || fail "missing: $names, and this is no Debian to install it on"
mkdir -p "$cache"
# apt waits for dpkg's lock by itself, but not for the one of its lists.
exec 9</var/lib/apt
flock -w "$WAIT" 9 || fail "another one has been installing for $WAIT s"
names=$(missing "$@" | xargs)
[ -n "$names" ] || exit 0
echo "apt-install: $names"
apt() { DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout="$WAIT" -o Acquire::Retries=3 "$@" >>"$cache/apt.log" 2>&1 </dev/null; }
# RUNLEVEL=1: an installed daemon is not started; who needs one starts its own.
# shellcheck disable=SC2086 # names of packages
get() { RUNLEVEL=1 apt install -y --no-install-recommends $names; }
get && exit
# The package lists of a fresh machine are absent or old. One dead third-party source must not stop us.
apt update || true
get || fail "cannot install $names; see $cache/apt.log"
