#!/bin/sh
# Three hosts on one machine; to be run in namespaces of its own:
#   unshare -n -m -u -p -f --mount-proc --kill-child hosts.sh COMMAND...
#
# COMMAND runs on "head", which has a bridge; the links v1, v2, v3 on it lead to the hosts h1,
# h2, h3. A host has a network (10.77.0.1, .2, .3) and a name of its own; agent.sh runs
# programs there. Disks and the temporary folder TMPDIR are shared by all. Processes, links,
# mounts and what is in TMPDIR vanish with the namespaces: with COMMAND's end, or unshare's.
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm # where a killed rank leaves its segments
mkdir /run/netns /run/tmp
cp /etc/hosts /run/hosts

hostname head
ip link set lo up
ip link add br0 type bridge
ip address add 10.77.0.254/24 dev br0
ip link set br0 up
echo "10.77.0.254 head" >>/run/hosts
for i in 1 2 3; do
  ip netns add h$i
  ip link add v$i type veth peer name eth0 netns h$i
  ip link set v$i master br0 up
  ip -n h$i link set lo up
  ip -n h$i address add 10.77.0.$i/24 dev eth0
  ip -n h$i link set eth0 up
  echo "10.77.0.$i h$i" >>/run/hosts
done
mount --bind /run/hosts /etc/hosts

# Not exec: the shell stays, as the first process of all, which takes in orphans.
TMPDIR=/run/tmp "$@" && exit 0 || exit $?
