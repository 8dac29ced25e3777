#!/usr/bin/env bash
# Runs a command as a pod of the chart does: the root cannot be written to, only the volumes can, and there are no
# capabilities. The caller has made the namespaces (network, processes, mounts, IPC).
#
#   read_only_pod.sh FOLDER COMMAND CODE PACKAGES VOLUME...
#
# FOLDER is empty. CODE is this repository, PACKAGES the virtual environment.
set -euo pipefail
folder=$1 command=$2 code=$3 packages=$4
shift 4

mount --make-rprivate /
ip link set lo up
mount -t tmpfs tmpfs "$folder"  # an overlay's own files must not be on what it lies over
mkdir "$folder"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
cd "$folder/root"
mkdir -p "${@/#/.}"
ln -s "$packages/bin/docfleet-haproxy" usr/local/bin/
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -o remount,bind,ro .
for volume in "$@"; do mount -t tmpfs tmpfs ".$volume"; done
for folder in "$code" "$packages"; do  # in case a volume hides it
  mkdir -p ".$folder"
  mount --bind "$folder" ".$folder"
  mount -o remount,bind,ro ".$folder"
done
pivot_root . mnt
umount -l /mnt
if touch /etc/probe "$code/probe" 2>/dev/null; then echo "the root can be written to" && exit 1; fi
cd "$HOME"
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs bash -euc "$command"
