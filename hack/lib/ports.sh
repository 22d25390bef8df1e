# shellcheck shell=bash
# Free ports on loopback. Needs state.sh.

# Below the range from which the system takes the local ports of outgoing connections: a listener that
# stops for a while (an API server in a restart test) would otherwise lose its port to some client.
lowest_port=20000

highest_port() {
  local first_ephemeral rest
  if read -r first_ephemeral rest 2>/dev/null </proc/sys/net/ipv4/ip_local_port_range &&
    ((first_ephemeral > lowest_port + 1000)); then
    echo $((first_ephemeral - 1))
  else
    echo 32767
  fi
}

port_is_free() {
  local port=$1
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return 1; fi
  # Somebody's process may be down at the moment and want its port again.
  ! grep -qsxF -- "$port" "${state_root:?}"/*/ports "$state_root"/.monitoring/*/ports
}

# take_ports FOLDER COUNT: prints COUNT free ports, and notes them in FOLDER/ports.
take_ports() {
  local folder=$1 count=$2 port taken=() highest tries=0 lock
  highest=$(highest_port)
  exec {lock}>"$state_root/.ports.lock"
  flock --timeout 30 "$lock" || fail "the lock $state_root/.ports.lock is held for more than 30 s" \
    "end the process that holds it (fuser $state_root/.ports.lock)"
  while ((${#taken[@]} < count)); do
    tries=$((tries + 1))
    ((tries <= 1000)) || fail "no free port between $lowest_port and $highest" "stop what listens there"
    port=$((lowest_port + (RANDOM * 32768 + RANDOM) % (highest - lowest_port)))
    if port_is_free "$port" && [[ " ${taken[*]} " != *" $port "* ]]; then taken+=("$port"); fi
  done
  printf '%s\n' "${taken[@]}" >>"$folder/ports"
  exec {lock}>&-
  printf '%s\n' "${taken[@]}"
}
