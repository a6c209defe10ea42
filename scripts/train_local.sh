#!/usr/bin/env bash
# Trains on this machine with mpirun:  scripts/train_local.sh CONFIG [RANKS] [OPTION...]
#
#   RANKS    how many processes; default: one a core, 16 at most (the default train.lanes)
#   OPTION   any option of `flotilla train`: --resume, --fresh, --set KEY=VALUE, ...
#
# Ctrl-C, a TERM signal or USR1 finishes the step, writes a checkpoint and exits 75; add
# --resume to continue, on any number of ranks. A second Ctrl-C gives up at once.
#
# FLOTILLA names another program, OMP_NUM_THREADS the threads of a rank (default: the cores
# shared out).
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/common.sh"
. "$here/launch.sh"

usage="CONFIG [RANKS] [OPTION...]"
read_config "$@"
config=$1
shift
ranks=$(($(cores) < 16 ? $(cores) : 16))
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  ranks=$1
  shift
fi
[ "$ranks" -ge 1 ] || { say "train_local.sh: RANKS is $ranks; wanted at least 1" && exit 64; }

threads=${OMP_NUM_THREADS:-$(($(cores) / ranks))}
[ "$threads" -ge 1 ] || threads=1
export OMP_NUM_THREADS=$threads
mpi_environment "$ranks" "$threads"
mapfile -t options < <(mpirun_options)
options+=(-n "$ranks")
launch "$config" "$@"
