# shellcheck shell=bash
# Where running test clusters and monitoring keep their state: one folder each, outside the tree.
# Needs report.sh.

state_root=${HEADROOM_CLUSTERS:-${TMPDIR:-/tmp}/headroom-clusters-$UID}

create_state_root() {
  mkdir -p "$state_root"
  chmod 700 "$state_root"
}

require_name() {
  [[ $1 =~ ^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$ ]] ||
    fail "'$1' cannot be a name" "use 1 to 40 lower-case letters, digits and inner hyphens"
}

# lock_state NAME: one change at a time; the lock lasts until the script ends.
lock_state() {
  local lock
  create_state_root
  exec {lock}>"$state_root/.$1.lock"
  if ! flock --nonblock "$lock"; then
    say "another process is changing $1, waiting for it"
    flock --timeout 120 "$lock" || fail "another process has been changing $1 for more than 120 s" \
      "end it: fuser $state_root/.$1.lock shows which"
  fi
}
