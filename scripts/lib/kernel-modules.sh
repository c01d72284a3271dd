# Sourced, after common.sh: modules for Debian's arm64 kernel, built beside it with the headers that Debian has for that.
cross=
[ "$(debian_architecture)" = arm64 ] || cross=aarch64-linux-gnu-

# kernel_modules HEADERS FOLDER [VARIABLE=VALUE…]: builds the modules in a folder that has a Kbuild.
kernel_modules() {
  local headers=$1 folder=$2
  shift 2
  make -s -C "$headers"/usr/src/linux-headers-*-arm64 M="$folder" ARCH=arm64 CROSS_COMPILE="$cross" "$@" modules
}
