#!/bin/sh
# Installs the program `otpmux` for one user, after it has compared the checksum:
#
#     curl -fsSL https://github.com/otpmux/otpmux/releases/latest/download/install.sh | sh
#
# OTPMUX_VERSION    a version such as 0.1.0; default: the newest
# OTPMUX_DIRECTORY  the folder to install into; default: ~/.local/bin
# OTPMUX_RELEASES   the address of the releases; for mirrors and tests
set -eu

fail() {
  printf 'otpmux is not installed: %s\n' "$1" >&2
  exit 1
}

# Everything is in one function: a script that was cut off while loading does nothing.
main() {
  releases=${OTPMUX_RELEASES:-https://github.com/otpmux/otpmux/releases}
  directory=${OTPMUX_DIRECTORY:-$HOME/.local/bin}
  case ${OTPMUX_VERSION:-latest} in
    latest) from=$releases/latest/download ;;
    *) from=$releases/download/v${OTPMUX_VERSION#v} ;;
  esac

  case $(uname -s) in
    Linux) system=unknown-linux-musl ;;
    Darwin) system=apple-darwin ;;
    *) fail "no program for $(uname -s); build it: cargo install otpmux-cli" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) fail "no program for $(uname -m); build it: cargo install otpmux-cli" ;;
  esac
  name=otpmux-$machine-$system

  command -v curl >/dev/null || fail "curl is missing"
  if command -v sha256sum >/dev/null; then
    sum=sha256sum
  elif command -v shasum >/dev/null; then
    sum="shasum -a 256"
  else
    fail "sha256sum and shasum are missing; one of them must compare the checksum"
  fi

  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  curl -fsSL -o "$work/$name.tar.gz" "$from/$name.tar.gz" || fail "cannot load $from/$name.tar.gz"
  curl -fsSL -o "$work/SHA256SUMS" "$from/SHA256SUMS" || fail "cannot load $from/SHA256SUMS"
  grep " $name.tar.gz\$" "$work/SHA256SUMS" >"$work/expected" || fail "SHA256SUMS does not name $name.tar.gz"
  (cd "$work" && $sum -c expected >/dev/null 2>&1) || fail "the checksum of $name.tar.gz is wrong; it was not unpacked"
  tar -xzf "$work/$name.tar.gz" -C "$work"

  mkdir -p "$directory" || fail "cannot create $directory; choose another by OTPMUX_DIRECTORY"
  # Rename into place: a program that is running is not overwritten.
  cp "$work/$name/otpmux" "$directory/.otpmux.new"
  chmod 755 "$directory/.otpmux.new"
  mv "$directory/.otpmux.new" "$directory/otpmux"
  printf 'installed %s\n' "$directory/otpmux"
  case :$PATH: in
    *:"$directory":*) ;;
    *) printf 'add it to your PATH: export PATH="%s:%s"\n' "$directory" "\$PATH" ;;
  esac
  printf 'try it: otpmux dev\n'
}

main
