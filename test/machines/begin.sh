#!/bin/sh
# begin.sh NAME ROOT [OUTSIDE:INSIDE]...: makes ROOT a machine of its own: mounts, network, processes, control groups.
# It lives as long as somebody holds its standard input open, and with its first process everything in it ends.
set -eu

groups=/sys/fs/cgroup
if [ -z "${INSIDE:-}" ]; then
  # A group of its own in each hierarchy, so that those of its containers lie below, and are found when it is over.
  for hierarchy in "$groups"/*/cgroup.procs; do
    [ -e "$hierarchy" ] || continue
    own=${hierarchy%/*}/$1
    mkdir -p "$own"
    for file in cpuset.cpus cpuset.mems; do
      [ ! -e "$own/$file" ] || cat "$own/../$file" >"$own/$file"
    done
    echo $$ >"$own/cgroup.procs"
  done
  export INSIDE=1
  exec unshare --mount --propagation private --net --uts --ipc --pid --cgroup --fork --kill-child "$0" "$@"
fi

name=$1
root=$2
shift 2
hostname "$name"
ip link set lo up
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs shm "$root/dev/shm"
mount -t tmpfs run "$root/run"
mkdir -p "$root/run/lock"
if [ -e "$groups/cgroup.controllers" ]; then
  mount -t cgroup2 cgroup2 "$root$groups"
else
  mount -t tmpfs cgroup "$root$groups"
  cut -d: -f2 /proc/self/cgroup | while read -r controllers; do
    [ -n "$controllers" ] || continue
    folder=$root$groups/${controllers#name=}
    mkdir "$folder"
    mount -t cgroup -o "$controllers" cgroup "$folder"
  done
fi
for pair in "$@"; do
  mkdir -p "$root${pair#*:}"
  mount --bind "${pair%%:*}" "$root${pair#*:}"
done
cd "$root"
mkdir -p .outside
pivot_root . .outside
umount -l /.outside
rmdir /.outside
# The first process buries the orphans of all others. perl-base is a part of every Debian.
exec perl -e '$SIG{CHLD} = "IGNORE"; $| = 1; print "ready\n"; 1 while sysread STDIN, my $nothing, 1'
