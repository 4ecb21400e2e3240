#!/bin/sh
# modules.sh PACKAGE: installs what PACKAGE and its workspace dependencies run, from the lockfile, without build scripts.
set -eu
npm ci --omit=dev --omit=optional --no-update-notifier -w "$1"
# The other workspaces are links to folders that the image does not have.
find node_modules -xtype l -delete
