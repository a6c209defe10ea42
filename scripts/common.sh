# What the scripts beside this file share; sourced by bash, never run.

say() { printf '%s\n' "$*" >&2; }

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# nproc by itself answers OMP_NUM_THREADS where that is set.
cores() { env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || echo 1; }

# The Python that has numpy and h5py: the system's before any other on PATH, because the
# packages of scripts/setup belong to the system's.
find_python() {
  local candidate
  for candidate in /usr/bin/python3 python3 python; do
    if "$candidate" -c 'import h5py, numpy' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  fail "no Python 3 with numpy and h5py was found; scripts/setup installs both"
}

# Settings of Open MPI that a container or a small machine needs, each left alone where
# the user has set it. Other MPI libraries ignore them. This one for any number of hosts:
mpi_environment_hosts() {
  if [ "$(id -u)" = 0 ]; then # refuses root otherwise; a container has no one else
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
  # A host that is cut off, or gone: mpirun and the daemon there notice after 25 s of silence
  # and end the ranks. Its own 8 minutes are longer than comm.timeout_seconds, and where ranks
  # end first, mpirun waits a quarter of an hour to tell that to the lost host.
  export OMPI_MCA_oob_tcp_keepalive_time="${OMPI_MCA_oob_tcp_keepalive_time:-10}"
  export OMPI_MCA_oob_tcp_keepalive_intvl="${OMPI_MCA_oob_tcp_keepalive_intvl:-5}"
  export OMPI_MCA_oob_tcp_keepalive_probes="${OMPI_MCA_oob_tcp_keepalive_probes:-3}"
}

# And this one for ranks that are all on this machine: mpi_environment RANKS THREADS.
mpi_environment() {
  local ranks=$1 threads=$2
  mpi_environment_hosts
  # Without ssh mpirun stops, even where all ranks are on this machine.
  command -v ssh >/dev/null || command -v rsh >/dev/null ||
    export OMPI_MCA_plm="${OMPI_MCA_plm:-^rsh}"
  # Copies between processes by ptrace's right, which containers withhold.
  export OMPI_MCA_btl_vader_single_copy_mechanism="${OMPI_MCA_btl_vader_single_copy_mechanism:-none}"
  # Ranks that wait must give way when there are more of them than cores: 150 times faster.
  if [ $((ranks * threads)) -gt "$(cores)" ]; then
    export OMPI_MCA_mpi_yield_when_idle="${OMPI_MCA_mpi_yield_when_idle:-1}"
  fi
}

is_open_mpi() { mpirun --version 2>/dev/null | grep -qi 'open.\?mpi\|open-mpi'; }

# Options that Open MPI's mpirun needs and others do not know: ranks may exceed what it
# takes for slots, and two runs side by side must not be bound to the same cores.
mpirun_options() {
  if is_open_mpi; then printf '%s\n' --oversubscribe --bind-to none; fi
}

# Configures and builds a folder: build_folder FOLDER [TARGET] -- CMAKE_OPTIONS... One that
# is there keeps its generator, which cmake lets nobody change; a new one is for Ninja.
build_folder() {
  local folder=$1 target=all log generator=()
  shift
  if [ "$1" != -- ]; then target=$1 && shift; fi
  shift
  local cache=$folder/CMakeCache.txt
  # A folder configured for a checkout elsewhere (a copied tree, another mount) is of no use.
  if [ -f "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$cache"; then
    say "$folder belongs to another checkout; configuring it anew"
    rm -rf "$folder"
  fi
  if [ -f "$cache" ]; then
    mapfile -t generator < <(sed -n 's/^CMAKE_GENERATOR:INTERNAL=/-G/p' "$cache")
  elif command -v ninja >/dev/null; then
    generator=(-GNinja)
  fi
  mkdir -p "$folder"
  log=$folder/configure.log
  if ! cmake -S . -B "$folder" "${generator[@]}" "$@" >"$log" 2>&1; then
    cat "$log" >&2
    fail "configuring $folder failed (see above; scripts/setup installs what is missing)"
  fi
  cmake --build "$folder" --target "$target" --parallel "$(cores)"
}
