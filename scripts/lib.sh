# Shared by the scripts; sourced, never run. Leaves the caller in the repository's root.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# A CI run has a new checkout each time; what it built stays beside the user's other caches.
if [ -n "${CI:-}" ] && [ -z "${CARGO_TARGET_DIR:-}" ]; then
  export CARGO_TARGET_DIR="${XDG_CACHE_HOME:-$HOME/.cache}/troupe/target"
fi
target=${CARGO_TARGET_DIR:-$root/target}
data=${XDG_DATA_HOME:-$HOME/.local/share}/troupe
troupe=$target/release/troupe

# say STEP RESULT: one aligned line.
say() { printf '%-16s %s\n' "$1" "$2"; }

# die SENTENCE: why it stops here, with the mend.
die() {
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# The LiveKit server that the host would start: the variable, the PATH, or the one installed here.
livekit_server() {
  if [ -n "${LIVEKIT_SERVER_BIN:-}" ]; then
    printf '%s\n' "$LIVEKIT_SERVER_BIN"
  elif have livekit-server; then
    command -v livekit-server
  elif [ -x "$data/bin/livekit-server" ]; then
    printf '%s\n' "$data/bin/livekit-server"
  else
    return 1
  fi
}
