#!/bin/sh
# boot.sh WORK SHARE…: becomes systemd as the first process of new namespaces (SystemdContainer makes them). Its root is
# this machine's own tree with a tmpfs above it, so nothing that is written there stays. Each SHARE, a folder, is the same
# folder inside and outside.
set -eu
work=$1
shift

mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$work"
root=$work/root
mkdir "$work/upper" "$work/work" "$root"
mount -t overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" overlay "$root"

mount -t proc proc "$root/proc"
# Settings of the kernel are the machine's, not the container's.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
# Kept writable as a mount, because systemd takes a read-only one for a container without cgroups of its own.
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"

mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
  # shellcheck disable=SC2086
  set_node() { mknod -m 666 "$root/dev/$1" c "$2" "$3"; } && set_node $node
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

for share in "$@"; do
  mkdir -p "$root$share"
  mount --bind "$share" "$root$share"
done

# None of this machine's own units, and none that would change its kernel.
rm -rf "$root/etc/systemd/system" "$root/etc/systemd/system.conf.d"
mkdir -p "$root/etc/systemd/system"
cd "$root/etc/systemd/system"
for unit in systemd-modules-load systemd-remount-fs systemd-sysctl systemd-udevd systemd-udev-trigger \
  systemd-update-utmp systemd-firstboot systemd-tmpfiles-setup-dev systemd-timesyncd; do
  ln -s /dev/null "$unit.service"
done
for unit in systemd-journald-audit.socket dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount; do
  ln -s /dev/null "$unit"
done
printf '[Unit]\nRequires=basic.target\nAfter=basic.target\n' >container.target
: >"$root/etc/fstab"
rm -f "$root/etc/machine-id"
: >"$root/etc/machine-id"

# Not by chroot: what is below one may make no user namespaces.
mkdir "$root/.outside"
cd "$root"
pivot_root . .outside
umount -l /.outside
rmdir /.outside
exec env -i container=gpuvm PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --unit=container.target --show-status=no --log-target=journal
