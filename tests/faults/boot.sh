#!/usr/bin/env bash
# Boots a host: systemd on a writable copy of this machine's root. The caller has made the namespaces (network, processes,
# mounts, cgroups).
#
#   boot.sh DISK UNIT    DISK is a folder with `upper`, `work` and `root`; UNIT is what the host runs
set -euo pipefail
disk=$1 unit=$2

mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" "$disk/root"
cd "$disk/root"
# Nothing of this machine's own starts: no mounts, no cleaning of /tmp, no services.
rm -rf etc/fstab etc/systemd/system/*.wants usr/lib/systemd/system/{sysinit,basic,sockets,timers,local-fs}.target.wants
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs -o size=8g tmpfs dev/shm
mount -t tmpfs tmpfs run
mount -t sysfs sysfs sys
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs tmpfs sys/fs/cgroup
  mkdir sys/fs/cgroup/systemd sys/fs/cgroup/unified
  mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
  mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
fi
pivot_root . mnt
umount -l /mnt
container=docfleet exec /lib/systemd/systemd --system --unit="$unit" --log-target=console --log-level=warning --show-status=0
