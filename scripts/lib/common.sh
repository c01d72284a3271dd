# Sourced by the scripts: where things are, and how a step is told to people.
# Steps write what they do to one line and everything else to the log.

set -euo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
# A relative XDG path is to be ignored, says its specification.
case ${XDG_CACHE_HOME:-} in
/*) cache=$XDG_CACHE_HOME/gpuvm ;;
*) cache=$HOME/.cache/gpuvm ;;
esac
log=${GPUVM_SETUP_LOG:-$cache/log/setup.log}
export GPUVM_SETUP_LOG=$log
mkdir -p "$cache" "$(dirname "$log")"

# fail MESSAGE: one line, and the log where there is more to read.
fail() {
  printf 'error: %s\n' "$1" >&2
  exit 1
}

# step TEXT COMMAND…: runs the command with its output in the log; prints the text and how long it took. On a terminal
# the text is there while it runs, unless GPUVM_STEP_ONE_LINE says that others are at work beside it.
step() {
  local text=$1 started=$SECONDS status shown=
  shift
  if [ -t 1 ] && [ -z "${GPUVM_STEP_ONE_LINE:-}" ]; then shown=1; fi
  [ -z "$shown" ] || printf '  %s …' "$text"
  printf '== %s: %s\n' "$text" "$*" >>"$log"
  # Not in a condition: there bash would go on after a command of the step that failed.
  set +e
  (set -e && "$@") >>"$log" 2>&1 </dev/null
  status=$?
  set -e
  # Over what is shown already, and over what another step shows.
  [ ! -t 1 ] || printf '\r\033[K'
  printf '  %-56s %4d s\n' "$text" $((SECONDS - started))
  [ $status = 0 ] || fail "that failed, see $log"
}

# as_root COMMAND…: runs it as root, with sudo where need be.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"
  else
    echo "root is needed for: $*; run this as root or install sudo" >&2
    return 1
  fi
}

# hash_of FILE…: a short name for the contents of files, in the order given.
hash_of() {
  cat -- "$@" | sha256sum | cut -c1-16
}

debian_architecture() {
  dpkg --print-architecture
}
