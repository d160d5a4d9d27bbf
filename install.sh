#!/bin/sh
# Installs the program `otpmux` for one user, after comparing its checksum:
#
#     curl -fsSL https://github.com/otpmux/otpmux/releases/latest/download/install.sh | sh
#
# OTPMUX_VERSION    a version such as v0.1.0; the newest if it is not set
# OTPMUX_DIRECTORY  where to install it; ~/.local/bin if it is not set
# OTPMUX_RELEASES   where releases are; for mirrors and tests
set -eu

fail() {
  printf 'otpmux is not installed: %s\n' "$1" >&2
  exit 1
}

# Everything in one function: a script that was cut off on its way does nothing.
main() {
  releases=${OTPMUX_RELEASES:-https://github.com/otpmux/otpmux/releases}
  directory=${OTPMUX_DIRECTORY:-$HOME/.local/bin}
  case ${OTPMUX_VERSION:-latest} in
    latest) from=$releases/latest/download ;;
    *) from=$releases/download/$OTPMUX_VERSION ;;
  esac

  case $(uname -s) in
    Linux) system=unknown-linux-musl ;;
    Darwin) system=apple-darwin ;;
    *) fail "no program for $(uname -s); build it: cargo install --git https://github.com/otpmux/otpmux otpmux-cli" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) fail "no program for $(uname -m); build it: cargo install --git https://github.com/otpmux/otpmux otpmux-cli" ;;
  esac
  name=otpmux-$machine-$system

  command -v curl >/dev/null || fail "curl is missing"
  if command -v sha256sum >/dev/null; then
    sum=sha256sum
  elif command -v shasum >/dev/null; then
    sum="shasum -a 256"
  else
    fail "neither sha256sum nor shasum is there to compare the checksum"
  fi

  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  curl -fsSL -o "$work/$name.tar.gz" "$from/$name.tar.gz" || fail "cannot load $from/$name.tar.gz"
  curl -fsSL -o "$work/SHA256SUMS" "$from/SHA256SUMS" || fail "cannot load $from/SHA256SUMS"
  grep " $name.tar.gz\$" "$work/SHA256SUMS" >"$work/expected" || fail "SHA256SUMS does not name $name.tar.gz"
  (cd "$work" && $sum -c expected >/dev/null 2>&1) || fail "the checksum of $name.tar.gz is wrong; nothing of it was run"
  tar -xzf "$work/$name.tar.gz" -C "$work"

  mkdir -p "$directory"
  # Renamed into place: a program that runs at this moment is not overwritten.
  cp "$work/$name/otpmux" "$directory/.otpmux.new"
  chmod 755 "$directory/.otpmux.new"
  mv "$directory/.otpmux.new" "$directory/otpmux"
  printf 'installed %s\n' "$directory/otpmux"
  case :$PATH: in
    *:"$directory":*) ;;
    *) printf 'add it to your PATH: export PATH="%s:%s"\n' "$directory" "\$PATH" ;;
  esac
  printf 'try it: otpmux demo\n'
}

main
