#!/usr/bin/env bash
# Trains on several machines without Slurm:  scripts/train_hosts.sh CONFIG HOSTS [OPTION...]
#
#   HOSTS    names with the ranks of each, as  ant:4,bee:4  (this machine only if it is named)
#   OPTION   any option of `flotilla train`: --resume, --fresh, --set KEY=VALUE, ...
#
# Open MPI's mpirun starts the ranks with ssh, which must not ask for a password. Program, data
# and run directory must have the same path everywhere: a shared disk. Where machines have more
# than one network, OMPI_MCA_btl_tcp_if_include=192.168.1.0/24 and the same for oob_tcp_if_include
# name the one to use.
#
# Ctrl-C, a TERM signal or USR1 finishes the step, writes a checkpoint and exits 75; add
# --resume to continue, on any hosts, or on this machine alone. A second Ctrl-C gives up at once.
# A machine or a link that fails ends the run with an error within seconds; --resume continues
# without it.
#
# FLOTILLA names another program, OMP_NUM_THREADS the threads of a rank (default 1).
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/common.sh"
. "$here/launch.sh"

usage="CONFIG HOSTS [OPTION...]"
read_config "$@"
config=$1
hosts=${2:-}
[[ $hosts =~ ^[^:,=-][^:,=]*:[1-9][0-9]*(,[^:,=-][^:,=]*:[1-9][0-9]*)*$ ]] || {
  say "train_hosts.sh: HOSTS is '$hosts'; wanted names with numbers of ranks, as ant:4,bee:4"
  exit 64
}
shift 2
is_open_mpi || fail "mpirun is not Open MPI's; give yours the hosts by its own options:" \
  "mpirun ... flotilla train $config"
[ -n "${OMPI_MCA_plm_rsh_agent:-}" ] || command -v ssh >/dev/null ||
  fail "no ssh on PATH, by which mpirun reaches other machines; install an SSH client"

export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
mpi_environment_hosts
options=(--host "$hosts" --bind-to none)
# ssh passes nothing on: what decides speed, and bits, must be the same everywhere.
for name in $(compgen -e | grep -E '^(OMP|OPENBLAS|HDF5)_'); do options+=(-x "$name"); done
launch "$config" "$@"
