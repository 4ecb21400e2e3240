#!/bin/sh
# Users and the folders of sockets, the same in every image: a named volume takes owner and mode from whichever image
# mounts it first. One socket per folder. Who reaches it needs both the folder (a volume) and its owner's group (Tor
# refuses a folder of any other group).
set -eu

user() { # name uid
  groupadd --gid "$2" "$1"
  useradd --uid "$2" --gid "$2" --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$1"
}
user allium-tor 9001
user allium-forwarder 9002
user allium-uplink 9003
user allium-router 9004
user allium-tor-filter 9005

folder() { # name owner
  mkdir -p "/run/allium/$1"
  chown "$2:$2" "/run/allium/$1"
  chmod 750 "/run/allium/$1"
}
folder policy 0           # policy     <- supervisor
folder tor-control 9001   # tor        <- supervisor, tor-filter
folder tor-socks 9001     # tor        <- router
folder router-streams 9004 # router     <- forwarder: streams and names
folder router-health 9004  # router     <- supervisor
folder uplink-control 9003 # uplink   <- supervisor
folder supervisor 0       # supervisor <- allium, the command

state() { # path owner
  mkdir -p "$1"
  chown "$2:$2" "$1"
  chmod 700 "$1"
}
state /var/lib/allium/tor 9001
state /var/lib/allium/router 9004
state /var/lib/allium/forwarder 9002
state /var/lib/allium/supervisor 0
