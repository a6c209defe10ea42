#!/bin/sh
# Stands in for ssh where hosts.sh has made hosts:  agent.sh HOST COMMAND...
# As with ssh, nothing of the caller's environment arrives but what sshd would set.
host=$1
shift
exec env -i HOME="$HOME" PATH="$PATH" TMPDIR="$TMPDIR" ip netns exec "$host" \
  unshare -u sh -c 'hostname "$0"; exec sh -c "$1"' "$host" "$*"
