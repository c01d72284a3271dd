# Sourced by twin-x86 and twin-orin, after common.sh: what they have in common. A twin's script reads its options, says what
# its first process is to know, and runs its QEMU:
#   twin_options "$@"; twin_begin; twin_set …; twin_commands …; twin_run QEMU ARGUMENT…
# The machine's arguments that are the same for both are in $twin_arguments.

# twin_options ARGUMENT…: sets results, deadline, console, disk, gpuvm, refresh, shell and command; and the variables that are
# named in $twin_own_options, which are this twin's alone.
twin_options() {
  results='' deadline='' console='' disk='' gpuvm=$repository/dist/cli/main.cjs refresh=()
  while [ $# -gt 0 ]; do
    case $1 in
    --results | --deadline | --console | --disk | --gpuvm)
      [ $# -ge 2 ] || fail "$1 wants a value"
      printf -v "${1#--}" %s "$2"
      shift
      ;;
    --refresh) refresh=(--refresh) ;;
    --) break ;;
    *)
      [[ " ${twin_own_options:-} " == *" ${1#--} "* ]] || fail "unknown: $1; the command comes after --"
      [ $# -ge 2 ] || fail "$1 wants a value"
      printf -v "${1#--}" %s "$2"
      shift
      ;;
    esac
    shift
  done
  [ "${1:-}" != -- ] || shift
  command=("$@")
  [ -e "$gpuvm" ] || fail "gpuvm is not built: npm run build"
  shell=
  if [ $# = 0 ]; then
    [ -t 0 ] || fail "a shell in the twin needs a terminal; a command comes after --"
    shell=yes
  fi
  deadline=${deadline:-${shell:+0}}
}

twin_cleanup() {
  [ -z "$qemu" ] || kill "$qemu" 2>/dev/null || true
  rm -rf "$work"
}

# twin_begin MODULES NAME…: makes the folder that the first process finds as /run/twin/control, $control; it loads the
# modules called NAME from the folder MODULES.
twin_begin() {
  work=$(mktemp -d)
  qemu=
  trap twin_cleanup EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
  control=$work/control
  mkdir "$control"
  cp "$repository/scripts/lib/twin-init" "$control/init"
  twin_set twin_results "${results:+yes}"
  twin_set twin_shell "$shell"
  twin_set twin_repository "$repository"
  twin_set twin_modules "$1"
  shift
  twin_set twin_load "$*${disk:+ virtio_blk}"
  twin_arguments=(
    -nodefaults -no-user-config -display none -no-reboot
    -chardev "file,id=kernel,path=$work/console" -serial chardev:kernel
    -device virtio-serial-pci
  )
  twin_share control "$control"
  [ -z "$results" ] || twin_share results "$(readlink -f "$results")"
  [ -z "$disk" ] || twin_arguments+=(-drive "file=$disk,format=raw,if=none,id=disk" -device virtio-blk-pci,drive=disk)
}

# twin_set NAME VALUE: what twin-init is to know.
twin_set() {
  printf '%s=%q\n' "$1" "$2" >>"$control/settings"
}

# twin_share NAME FOLDER [OPTION]: a folder that the twin can mount.
twin_share() {
  twin_arguments+=(-fsdev "local,id=$1,path=$2,security_model=none${3:+,$3}" -device "virtio-9p-pci,fsdev=$1,mount_tag=$1")
}

# twin_commands KIND NODE PROGRAM PATH FOLDER NAME=VALUE…: `gpuvm` there, and what is run, in the folder.
twin_commands() {
  local kind=$1 folder=$5 assignment
  printf '#!/bin/sh\nexec %q %q "$@"\n' "$2" "$3" >"$control/gpuvm"
  chmod 755 "$control/gpuvm"
  {
    printf 'export PATH=%q TERM=%q LC_ALL=C GPUVM_TWIN=%q TWIN_RESULTS=/results' "/run/twin/bin:$4" "${TERM:-dumb}" "$kind"
    shift 5
    for assignment; do printf ' %q' "$assignment"; done
    printf '\ncd %q\n' "$folder"
    if [ -n "$shell" ]; then
      printf 'stty rows %q cols %q 2>/dev/null\nexec bash\n' $(stty size)
    else
      printf 'exec'
      printf ' %q' "${command[@]}"
    fi
  } >"$control/command"
}

# twin_ended: when the twin is off, whatever its command's status; a twin's script may have its own.
twin_ended() { :; }

# twin_run QEMU ARGUMENT…: boots the twin; ends with the command's status.
twin_run() {
  local program=$1 ended=0
  shift
  # By way of pipes: QEMU can open those, and not the sockets that a caller may have given.
  if [ -n "$shell" ]; then
    twin_arguments+=(-chardev stdio,id=shell,signal=off -device virtconsole,chardev=shell)
  else
    exec 3> >(cat) 4> >(cat >&2)
    twin_arguments+=(
      -add-fd fd=3,set=1 -chardev file,id=stdout,path=/dev/fdset/1,append=on
      -device virtserialport,chardev=stdout,name=twin.stdout
      -add-fd fd=4,set=2 -chardev file,id=stderr,path=/dev/fdset/2,append=on
      -device virtserialport,chardev=stderr,name=twin.stderr
    )
  fi
  # It ends with this script, however that ends.
  setpriv --pdeathsig TERM timeout --foreground -k 2 "${deadline:-900}" \
    "$program" "$@" "${twin_arguments[@]}" <&0 2>"$work/qemu" &
  qemu=$!
  wait "$qemu" || ended=$?
  qemu=
  if [ -z "$shell" ]; then
    exec 3>&- 4>&-
    wait
  fi
  [ -z "$console" ] || cp "$work/console" "$console"
  twin_ended
  if [ ! -s "$control/status" ]; then
    cat "$work/qemu" >&2
    tail -n 30 "$work/console" >&2 2>/dev/null || true
    [ "$ended" != 124 ] || fail "the twin did not end within ${deadline:-900} s"
    fail "the twin ended without a status (QEMU: $ended); above are its last words"
  fi
  exit "$(cat "$control/status")"
}
