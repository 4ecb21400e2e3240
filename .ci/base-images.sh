#!/bin/bash
# Makes the base images that our Dockerfiles name, where no image registry answers: stand-ins under the official
# names, from Debian and npm packages. Where `docker pull` works, the official ones are used. Safe to repeat.
# Shell, because it runs before `npm ci` has brought the Node that understands TypeScript.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${ALLIUM_CACHE:-$([ "$(id -u)" = 0 ] && echo /var/cache/allium || echo "$HOME/.cache/allium")}
node_version=26.10.0 # package.json's optionalDependencies name the same
mkdir -p "$cache"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

has() { docker image inspect "$1" >/dev/null 2>&1; }
pull() { timeout 120 docker pull -q "$1" >/dev/null 2>&1; }
fail() {
  echo "base-images: $*" >&2
  exit 1
}
# A file is either whole in the cache or absent.
keep() { mv "$1" "$2.part" && mv "$2.part" "$2"; }

debian() {
  local file=$cache/debian-trixie-slim.tar
  if [ ! -s "$file" ]; then
    [ "$(id -u)" = 0 ] || fail "only root can bootstrap debian:trixie-slim, and no image registry answers"
    "$here/apt-install.sh" images
    echo "base-images: bootstrapping debian:trixie-slim"
    # The host's own certificates go in: a registry mirror may answer under a private authority.
    mmdebstrap --quiet --variant=minbase --include=ca-certificates \
      --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
      --customize-hook="rm -rf \"\$1\"/var/lib/apt/lists/* \"\$1\"/var/cache/apt/*.bin" \
      --customize-hook="copy-in /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs" \
      trixie "$work/debian.tar" "$("$here/mirror.sh")" || fail "mmdebstrap failed"
    keep "$work/debian.tar" "$file"
  fi
  docker import \
    --change 'CMD ["bash"]' \
    --change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' \
    --change 'LABEL allium.stand-in=1' "$file" debian:trixie-slim >/dev/null
}

node() {
  local arch file=$cache/node-$node_version.tar
  arch=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
  if [ ! -s "$file" ]; then
    command -v npm >/dev/null || fail "npm is missing: it brings Node for node:26-trixie-slim"
    echo "base-images: packing Node $node_version and npm for node:26-trixie-slim"
    mkdir -p "$work/packages" "$work/root/usr/local/bin" "$work/root/usr/local/lib/node_modules"
    (cd "$work/packages" && npm install --silent --ignore-scripts --no-save --no-audit --no-fund --prefix . \
      "node-linux-$arch@$node_version" npm@11 </dev/null) || fail "npm cannot bring Node $node_version"
    cp "$work/packages/node_modules/node-linux-$arch/bin/node" "$work/root/usr/local/bin/node"
    mv "$work/packages/node_modules/npm" "$work/root/usr/local/lib/node_modules/npm"
    ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/root/usr/local/bin/npm"
    ln -s ../lib/node_modules/npm/bin/npx-cli.js "$work/root/usr/local/bin/npx"
    tar -C "$work/root" --owner=0 --group=0 -cf "$work/node.tar" usr
    keep "$work/node.tar" "$file"
  fi
  cp "$file" "$work/node.tar"
  cat >"$work/Dockerfile" <<'DOCKERFILE'
FROM debian:trixie-slim
RUN apt-get update -q && apt-get install -y -q --no-install-recommends libatomic1 libstdc++6 && rm -rf /var/lib/apt/lists/*
ADD node.tar /
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node && node --version
LABEL allium.stand-in=1
CMD ["node"]
DOCKERFILE
  docker buildx build --quiet --load --tag node:26-trixie-slim "$work" >/dev/null || fail "cannot build node:26-trixie-slim"
}

has debian:trixie-slim || pull debian:trixie-slim || debian
has node:26-trixie-slim || pull node:26-trixie-slim || node
echo "base-images: debian:trixie-slim and node:26-trixie-slim are here"
