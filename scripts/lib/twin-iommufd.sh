# Sourced by prepare-twin-x86: iommufd for a kernel of Debian's, which Debian builds without it. iommufd is a module, and all
# that changes beside it is VFIO, which is modules too: they are built from Debian's source package of the very kernel, with
# Debian's own compiler in a root of its own, as the kernel's package would have them with CONFIG_IOMMUFD=m and
# CONFIG_VFIO_DEVICE_CDEV=y. The kernel itself stays as it is.
# Needs private-apt.sh, and $work, $abi and $version of prepare-twin-x86.

# iommufd_modules TREE: puts them into the tree of /lib/modules/ABI.
iommufd_modules() {
  local tree=$1 root=$work/root file
  mkdir -p "$work/compiler" "$root"
  # The headers' package wants the kernel's itself.
  (cd "$work/compiler" && apt_private apt-get -q download \
    "linux-headers-$abi=$version" "linux-headers-${abi%-amd64}-common=$version" "linux-source-$(cut -d . -f 1,2 <<<"$version")=$version")
  apt_private apt-get -q -y --no-install-recommends --download-only install \
    "linux-kbuild-${abi%-amd64}=$version" gcc-14 make base-files coreutils dash sed grep mawk findutils diffutils
  # base-files first: it says that /bin is /usr/bin.
  for file in "$apt_place"/cache/archives/{base-files_,}*.deb "$work"/compiler/linux-headers-*.deb; do
    dpkg-deb -x "$file" "$root"
  done
  ln -s mawk "$root/usr/bin/awk"
  iommufd_sources "$root/build"
  # What is not set in the kernel's configuration is set here, for Makefiles and sources alike.
  cat >"$root/build/run" <<RUN
export PATH=/usr/bin LC_ALL=C
exec make -C /usr/src/linux-headers-$abi M=/build -j$(nproc) CC=gcc-14 CONFIG_IOMMUFD=m CONFIG_VFIO_DEVICE_CDEV=y \
  KCFLAGS='-DCONFIG_IOMMUFD_MODULE=1 -DCONFIG_VFIO_DEVICE_CDEV=1 -DCONFIG_INTERVAL_TREE_SPAN_ITER=1' modules
RUN
  in_root "$root" dash /build/run
  (cd "$root/build" && find drivers -name '*.ko') | while read -r file; do
    rm -f "$tree/kernel/$file".*
    install -D -m 644 "$root/build/$file" "$tree/kernel/$file"
  done
}

# iommufd_sources FOLDER: what of the kernel's sources is built.
iommufd_sources() {
  mkdir -p "$1"
  dpkg-deb --fsys-tarfile "$work"/compiler/linux-source-*.deb | tar -x -O --wildcards './usr/src/*.tar.xz' |
    xz -dc | tar -x -C "$1" --strip-components=1 --wildcards \
      '*/drivers/iommu/*.h' '*/drivers/iommu/iommufd/*' '*/drivers/vfio/*' '*/lib/interval_tree.c'
  echo 'obj-m += drivers/iommu/iommufd/ drivers/vfio/' >"$1/Kbuild"
  # The one thing that the kernel itself would have for iommufd: its walk through an interval tree.
  echo 'iommufd-y += span.o' >>"$1/drivers/iommu/iommufd/Makefile"
  cat >"$1/drivers/iommu/iommufd/span.c" <<'SOURCE'
#include <linux/export.h>
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(name)
#include "../../../lib/interval_tree.c"
SOURCE
}

# in_root FOLDER COMMAND…: runs it with the folder as its root.
in_root() {
  local root=$1
  shift
  if [ "$(id -u)" != 0 ] && unshare --map-root-user --mount mount --rbind /dev "$root/dev" 2>/dev/null; then
    # shellcheck disable=SC2016
    unshare --map-root-user --mount sh -c 'mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"' "$root" "$@"
  else
    # A machine that lets its users make no namespaces of their own.
    as_root mknod -m 666 "$root/dev/null" c 1 3
    as_root chroot "$root" "$@"
    as_root chown -R "$(id -u)" "$root"
  fi
}
