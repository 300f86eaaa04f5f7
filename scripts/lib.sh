# What the scripts share. Sourced, never run.
# shellcheck shell=bash

set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"
tools="$root/.tools"
target="${CARGO_TARGET_DIR:-$root/target}"
# What scripts/setup put there; PostgreSQL only for a user who may not install packages, Redis for everybody.
export PATH="$tools/bin:$tools/cargo/bin:$tools/postgresql/bin:$tools/redis/bin:$PATH"

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
fail() { printf 'Cannot go on: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
