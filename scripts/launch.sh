# Training under mpirun that stops with a checkpoint: what train_local.sh and train_hosts.sh
# share. Sourced by bash, behind common.sh, never run.
#
# Why not plain mpirun: on Ctrl-C and TERM it kills the ranks after one second and returns 1
# whatever they return. So it runs in a session of its own, out of Ctrl-C's reach, and gets
# USR1 instead, which it only forwards.

# Explains itself where the first argument asks for help, or there is none; checks the config.
read_config() {
  case ${1:-} in
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" && exit 0 ;;
    '') say "usage: ${0##*/} $usage; more with --help" && exit 64 ;;
  esac
  [ -f "$1" ] || fail "$1: no such config file"
  command -v mpirun >/dev/null || fail "no mpirun on PATH; scripts/setup installs it"
}

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
  local config=$1 directory option previous=
  shift
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

# Asks the ranks to stop, again every 2 s: a request before they listen would be lost.
stop() {
  interrupted=1
  [ -z "$asker" ] || return 0
  say "${0##*/}: stopping: the step is finished and a checkpoint written ..."
  (trap '' TERM INT USR1
    while kill -USR1 "$mpirun"; do sleep 2; done) >/dev/null 2>&1 &
  asker=$!
}
give_up() {
  if [ -n "$asker" ]; then
    say "${0##*/}: giving up: the ranks are killed"
    kill -TERM "$mpirun" 2>/dev/null
  fi
  stop
}

# Trains and exits as the ranks do:  launch CONFIG OPTION...; mpirun's own options stand in the
# array `options`.
launch() {
  local program status=127 code
  program=$(find_program) || exit 1
  asker='' interrupted=''
  # Ranks start with USR1 ignored: before they handle it, it would kill them.
  trap '' USR1 # the same for mpirun
  setsid mpirun "${options[@]}" sh -c "trap '' USR1; exec \"\$@\"" sh "$program" train "$@" &
  mpirun=$!
  trap stop TERM USR1 HUP
  trap give_up INT

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
}
