#!/usr/bin/env bash
# Trains on this machine with mpirun:  scripts/train_local.sh CONFIG [RANKS] [OPTION...]
#
#   RANKS    how many processes; default: one a core, 16 at most (the default train.lanes)
#   OPTION   any option of `flotilla train`: --resume, --fresh, --set KEY=VALUE, ...
#
# Ctrl-C, a TERM signal or USR1 finishes the step, writes a checkpoint and exits 75; add
# --resume to continue, on any number of ranks. A second Ctrl-C gives up at once.
#
# Why not plain mpirun: on Ctrl-C and TERM it kills the ranks after one second and returns 1
# whatever they return. So it runs in a session of its own, out of Ctrl-C's reach, and gets
# USR1 instead, which it only forwards.
#
# FLOTILLA names another program, OMP_NUM_THREADS the threads of a rank (default: the cores
# shared out).
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/common.sh"

find_program() {
  local candidate
  for candidate in "${FLOTILLA:-}" "$here/../build/release/flotilla" \
    "$here/../build/dev/flotilla" "$(command -v flotilla)"; do
    if [ -n "$candidate" ] && [ -x "$candidate" ]; then
      printf '%s\n' "$candidate"
      return
    fi
    [ -z "${FLOTILLA:-}" ] || fail "FLOTILLA=$FLOTILLA is no program"
  done
  fail "no flotilla program in build/release, build/dev or PATH; build it, or set FLOTILLA"
}

# What the run directory says of the run, for the last line; silent where it cannot tell.
run_state() {
  local directory option previous=
  directory=$(sed -n 's/#.*//; s/.*directory:[[:space:]]*\([^],}[:space:]]*\).*/\1/p' "$config" |
    head -n 1)
  for option; do
    case $option in
      --set=run.directory=*) directory=${option#--set=run.directory=} ;;
      run.directory=*) [ "$previous" != --set ] || directory=${option#run.directory=} ;;
    esac
    previous=$option
  done
  [ -f "$directory/status.json" ] &&
    printf '%s: %s\n' "$directory/status.json" "$(tr -d '\n' <"$directory/status.json")"
}

case ${1:-} in
  -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" && exit 0 ;;
  '') say "usage: train_local.sh CONFIG [RANKS] [OPTION...]; more with --help" && exit 64 ;;
esac
config=$1
shift
[ -f "$config" ] || { say "train_local.sh: $config: no such config file" && exit 1; }
ranks=$(($(cores) < 16 ? $(cores) : 16))
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  ranks=$1
  shift
fi
[ "$ranks" -ge 1 ] || { say "train_local.sh: RANKS is $ranks; wanted at least 1" && exit 64; }
command -v mpirun >/dev/null || fail "no mpirun on PATH; scripts/setup installs it"
program=$(find_program) || exit 1

threads=${OMP_NUM_THREADS:-$(($(cores) / ranks))}
[ "$threads" -ge 1 ] || threads=1
export OMP_NUM_THREADS=$threads
mpi_environment "$ranks" "$threads"
mapfile -t options < <(mpirun_options)

# Asks the ranks to stop, again every 2 s: a request before they listen would be lost.
stop() {
  interrupted=1
  [ -z "$asker" ] || return 0
  say "train_local.sh: stopping: the step is finished and a checkpoint written ..."
  (trap '' TERM INT USR1
    while kill -USR1 "$mpirun"; do sleep 2; done) >/dev/null 2>&1 &
  asker=$!
}
give_up() {
  if [ -n "$asker" ]; then
    say "train_local.sh: giving up: the ranks are killed"
    kill -TERM "$mpirun" 2>/dev/null
  fi
  stop
}

asker='' interrupted=''
# Ranks start with USR1 ignored: before they handle it, it would kill them.
trap '' USR1 # the same for mpirun
setsid mpirun "${options[@]}" -n "$ranks" sh -c "trap '' USR1; exec \"\$@\"" sh \
  "$program" train "$config" "$@" &
mpirun=$!
trap stop TERM USR1 HUP
trap give_up INT

status=127
while :; do
  interrupted=''
  wait "$mpirun"
  code=$?
  [ "$code" = 127 ] || status=$code # 127: its status was taken by the wait before
  [ -n "$interrupted" ] || break
done
if [ -n "$asker" ]; then
  { kill -KILL "$asker" && wait "$asker"; } 2>/dev/null
fi

run_state "$@" >&2
if [ "$status" = 75 ]; then
  say "stopped with a checkpoint; to continue, the same command with --resume"
fi
exit "$status"
