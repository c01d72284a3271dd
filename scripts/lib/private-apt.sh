# Sourced: packages of a Debian release that is not the machine's own, or of another architecture, without changing
# the machine: apt with its own state, an empty dpkg status, and the machine's proxy and signature settings.
# Needs common.sh.

debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# debian_mirror [FOLDER]: the machine's own Debian mirror where it has one.
debian_mirror() {
  local folder=${1:-/etc/apt} found
  found=$(cat "$folder"/sources.list "$folder"/sources.list.d/*.{sources,list} 2>/dev/null |
    sed -nE 's#^(URIs:|deb( +\[[^]]*\])?) +(https?://[^ ]+/debian)/?( .*)?$#\3#p' | head -n 1) || true
  printf '%s\n' "${found:-http://deb.debian.org/debian}"
}

# apt_open ARCHITECTURE SUITE…: makes the private apt for these suites and reads their indexes.
# Afterwards `apt_private TOOL …` runs an apt tool on it and $apt_place is its folder.
apt_open() {
  local architecture=$1 mirror suite
  shift
  # One for each script: several prepare things at the same time, and each removes its own.
  local old
  for old in "$cache"/apt/*; do [ -d "/proc/${old##*.}" ] || rm -rf "$old"; done
  apt_place=$cache/apt/$architecture-$(printf '%s+' "$@" | sed 's/+$//').$$
  mkdir -p "$apt_place"/{lists/partial,cache/archives/partial,etc/preferences.d}
  : >"$apt_place/status"
  cat >"$apt_place/etc/apt.conf" <<CONF
Dir::State "$apt_place";
Dir::State::status "$apt_place/status";
Dir::State::lists "$apt_place/lists";
Dir::Cache "$apt_place/cache";
Dir::Cache::archives "$apt_place/cache/archives";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Etc::sourcelist "$apt_place/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$apt_place/etc/preferences.d";
APT::Architecture "$architecture";
#clear APT::Architectures;
APT::Architectures { "$architecture"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Keep-Downloaded-Packages "true";
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Post-Invoke;
#clear Acquire::IndexTargets::deb::DEP-11;
#clear Acquire::IndexTargets::deb::DEP-11-icons;
#clear Acquire::IndexTargets::deb::DEP-11-icons-small;
#clear Acquire::IndexTargets::deb::DEP-11-icons-large;
#clear Acquire::IndexTargets::deb::DEP-11-icons-hidpi;
#clear Acquire::IndexTargets::deb::DEP-11-icons-large-hidpi;
CONF
  # A mirror of the machine's need not have other releases.
  for mirror in "$(debian_mirror)" http://deb.debian.org/debian; do
    for suite in "$@"; do
      printf 'deb [signed-by=%s] %s %s main\n' "$debian_keyring" "$mirror" "$suite"
    done >"$apt_place/etc/sources.list"
    if apt_private apt-get -q update --error-on=any; then return; fi
  done
  return 1
}

apt_private() {
  local tool=$1
  shift
  "$tool" -c "$apt_place/etc/apt.conf" "$@"
}

# apt_close: gives back the indexes and packages, which are large and soon out of date.
apt_close() {
  rm -rf "$apt_place"
}
