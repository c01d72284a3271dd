# Sourced: a Node that is new enough, on the PATH. Needs common.sh.

node_major=20 node_minor=19
private_node=$cache/node

node_is_enough() {
  command -v node >/dev/null && command -v npm >/dev/null && node -e "
    const [major, minor] = process.versions.node.split('.').map(Number);
    process.exit(major > $node_major || (major === $node_major && minor >= $node_minor) ? 0 : 1);" 2>/dev/null
}

# use_node: puts the private Node on the PATH where the machine's own does not do; fails where neither does.
use_node() {
  if node_is_enough; then return; fi
  [ -x "$private_node/bin/node" ] || return 1
  PATH=$private_node/bin:$PATH
  hash -r
  # npm's Node knows only the authorities it was built with; the distribution's also trusts those of the machine.
  export NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}
  node_is_enough
}

# What npm downloads is kept with the other caches.
export npm_config_cache=$cache/npm npm_config_update_notifier=false
