# shellcheck shell=bash
# The Debian packages that building and testing need. Needs report.sh.

debian_packages=(
  # compilers and checkers
  g++ cmake ninja-build ccache clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev shellcheck
  # libraries
  libabsl-dev libboost-dev libcli11-dev libcpprest-dev libical-dev libre2-dev libsimdjson-dev libspdlog-dev
  libsqlite3-dev libssl-dev libyaml-cpp-dev nlohmann-json3-dev prometheus-cpp-dev zlib1g-dev
  # tests
  libbenchmark-dev libgmock-dev libgtest-dev nginx prometheus prometheus-alertmanager python3-dateutil
  python3-venv python3-yaml skopeo spin
  # the image: strip and readelf, ICU's own tool for its data
  binutils icu-devtools
  # what the scripts use
  ca-certificates curl iproute2 jq openssl tzdata
)

missing_packages() {
  local package installed
  installed=$(dpkg-query --show --showformat '${db:Status-Abbrev} ${Package}\n' "${debian_packages[@]}" 2>/dev/null |
    sed -n 's/^.i *//p') || true
  for package in "${debian_packages[@]}"; do
    if ! grep -qxF -- "$package" <<<"$installed"; then printf '%s\n' "$package"; fi
  done
}

install_missing_packages() {
  local missing as_root=() install_log
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    fail "this machine has no apt; Headroom is built and tested on Debian 12" \
      "work in a Debian 12 machine or container, or install the equivalents of: ${debian_packages[*]}"
  fi
  mapfile -t missing < <(missing_packages)
  if ((${#missing[@]} == 0)); then return 0; fi
  if ((EUID != 0)); then
    if command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
      sudo -v
      as_root=(sudo -n)
    else
      fail "missing Debian packages: ${missing[*]}" \
        "run as root: apt-get update && apt-get install --no-install-recommends ${missing[*]}"
    fi
  fi
  install_log=$(mktemp -t headroom-packages.XXXXXX)
  run_logged 600 "updating the package lists" "$install_log" "${as_root[@]}" apt-get update ||
    say "the package lists could not be updated, trying with those that are there"
  forbid_starting_services "${as_root[@]}"
  run_logged 1800 "installing ${#missing[@]} Debian packages: ${missing[*]}" "$install_log" \
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends "${missing[@]}" || {
    allow_starting_services
    fail "apt could not install: ${missing[*]}" "read $install_log, put it right, then run hack/setup again"
  }
  allow_starting_services
  keep_services_off "${missing[*]}" "${as_root[@]}"
  rm -f "$install_log"
}

# Debian starts a service as soon as its package is installed, unless this file says no.
service_policy=/usr/sbin/policy-rc.d
service_policy_command=()

forbid_starting_services() {
  if [[ -e $service_policy ]]; then return 0; fi
  service_policy_command=("$@")
  trap allow_starting_services EXIT
  printf '#!/bin/sh\nexit 101\n' | "$@" tee "$service_policy" >/dev/null
  "$@" chmod 755 "$service_policy"
  service_policy_written=yes
}

allow_starting_services() {
  if [[ -n ${service_policy_written:-} ]]; then "${service_policy_command[@]}" rm -f "$service_policy"; fi
  service_policy_written=
}

# Tests and measurements start their own Prometheus, Alertmanager and nginx; those that came with the packages
# just installed must not start with the machine either.
keep_services_off() {
  local installed=$1 service
  shift
  if ! command -v systemctl >/dev/null; then return 0; fi
  for service in nginx prometheus prometheus-alertmanager; do
    if [[ " $installed " == *" $service "* ]]; then
      "$@" systemctl disable --quiet "$service" 2>/dev/null || true
    fi
  done
}
