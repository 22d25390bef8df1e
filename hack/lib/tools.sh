# shellcheck shell=bash
# Programs that the tests run beside Headroom, built once from what tests/cluster/ pins into a cache outside the
# tree. Needs report.sh and $repository.
#
# A tool is a folder of tests/cluster/ with a go.mod or a requirements.txt, see tool_kind.

tool_sources=${repository:?}/tests/cluster
tool_cache=${XDG_CACHE_HOME:-$HOME/.cache}/headroom/tools
# shellcheck disable=SC2034 # for the scripts that source this file
default_kubernetes=${HEADROOM_KUBERNETES:-1.36}
tool_build_limit=3600
# To be changed when build_tool makes something else of the same sources.
tool_recipe='static, stripped, 1'
required_go_minor=26

require_go() {
  local version
  if ! command -v go >/dev/null; then
    fail "Go is not installed, it builds the control plane that the tests run against" \
      "install Go 1.$required_go_minor or newer from https://go.dev/dl/ and put its bin folder on PATH"
  fi
  version=$(go env GOVERSION)
  if [[ ! $version =~ ^go1\.([0-9]+) ]] || ((BASH_REMATCH[1] < required_go_minor)); then
    fail "Go 1.$required_go_minor or newer is needed, found $version" \
      "install a newer one from https://go.dev/dl/ and put its bin folder first on PATH"
  fi
}

# What building a tool means:
#   python      requirements.txt pins packages: they are installed in a virtual environment
#   generated   a go:generate line writes files into $TOOL_FOLDER
#   program     main.go is a small program of ours
#   programs    `tool` lines of go.mod name programs of somebody else
#   files       of a Go module only the files are wanted
# Fails when there is no such tool.
tool_kind() {
  local sources=$tool_sources/$1
  if [[ -r $sources/requirements.txt ]]; then
    echo python
  elif [[ ! -r $sources/go.mod ]]; then
    return 1
  elif grep -qs '^//go:generate ' "$sources"/*.go; then
    echo generated
  elif [[ -r $sources/main.go ]]; then
    echo program
  elif grep -q '^tool ' "$sources/go.mod"; then
    echo programs
  else
    echo files
  fi
}

known_tools() {
  local folder
  for folder in "$tool_sources"/*/; do
    folder=${folder%/}
    if tool_kind "${folder##*/}" >/dev/null; then printf '%s\n' "${folder##*/}"; fi
  done
}

require_known_tool() {
  tool_kind "$1" >/dev/null || fail "there is no tool called $1" "choose one of: $(known_tools | tr '\n' ' ')"
}

# The module that a folder of tests/cluster/ pins, for folders of somebody else's programs or files.
pinned_module() {
  case $1 in
    etcd) echo go.etcd.io/etcd/server/v3 ;;
    kubernetes-*) echo k8s.io/kubernetes ;;
    helm-[34]) echo "helm.sh/helm/v${1#helm-}" ;;
    keda) echo github.com/kedacore/keda/v2 ;;
    prometheus-operator) echo github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring ;;
    *) return 1 ;;
  esac
}

pinned_version() {
  local name=$1 module
  module=$(pinned_module "$name")
  # go.mod has each required module on one line, indented in a block or after the word `require`.
  sed -nE "s#^(require)?[[:space:]]+$module (v[^ ]+).*#\2#p" "$tool_sources/$name/go.mod" | head -n 1
}

# Everything that decides what the built programs are.
tool_inputs_hash() {
  local name=$1
  (
    cd "$tool_sources/$name" || exit 1
    shopt -s nullglob
    printf '%s\n' "$tool_recipe" "$HOSTTYPE"
    cat go.mo[d] go.su[m] requirements.tx[t] ./*.go
  ) | sha256sum | cut -c 1-16
}

tool_folder() {
  local name=$1 version
  if pinned_module "$name" >/dev/null; then
    version=$(pinned_version "$name")
    case $name in
      kubernetes-*) printf '%s/kubernetes-%s\n' "$tool_cache" "$version" ;;
      *) printf '%s/%s-%s\n' "$tool_cache" "$name" "$version" ;;
    esac
  else
    printf '%s/%s\n' "$tool_cache" "$name"
  fi
}

tool_is_built() {
  local name=$1 folder
  folder=$(tool_folder "$name")
  [[ -r $folder/.built-from && $(<"$folder/.built-from") == "$(tool_inputs_hash "$name")" ]]
}

# Builds one tool unless that is done already. Safe to call from several processes at once.
ensure_tool() {
  local name=$1 folder lock
  require_known_tool "$name"
  if tool_is_built "$name"; then return 0; fi
  folder=$(tool_folder "$name")
  mkdir -p "$folder"
  exec {lock}>"$folder.lock"
  if ! flock --nonblock "$lock"; then
    say "another process is building $name, waiting for it"
    flock --timeout "$tool_build_limit" "$lock" ||
      fail "another process has been building $name for more than $tool_build_limit s" \
        "end it (its lock is $folder.lock) and try again"
  fi
  if ! tool_is_built "$name"; then build_tool "$name" "$folder"; fi
  exec {lock}>&-
}

build_tool() {
  local name=$1 folder=$2 module='' version='' doing command remedy
  if module=$(pinned_module "$name"); then version=$(pinned_version "$name"); fi
  remedy="check the free space of $tool_cache and that Go can download modules (go env GOPROXY), then try again"
  case $(tool_kind "$name") in
    python)
      doing=installing
      # shellcheck disable=SC2016 # the inner shell expands it
      command=(bash -ec 'python3 -m venv --clear "$1"; "$1/bin/pip" install --no-deps --require-hashes \
        --only-binary :all: --disable-pip-version-check --no-input --requirement requirements.txt' _ "$folder/venv")
      remedy="check that Debian's python3-venv is installed and that pip can download packages (pip config list)"
      ;;
    generated)
      doing=generating
      command=(nice go generate .)
      ;;
    files)
      doing=downloading
      command=(go mod download "$module")
      ;;
    *)
      doing=building
      mapfile -t command < <(go_build_command "$name" "$folder" "$module" "$version")
      ;;
  esac
  if [[ $doing != installing ]]; then require_go; fi
  # At most two compilations at once: these builds share the machine with those of the C++ code.
  (
    cd "$tool_sources/$name"
    run_logged "$tool_build_limit" "$doing $name${version:+ $version}" "$folder/build.log" \
      env CGO_ENABLED=0 GOWORK=off GOTOOLCHAIN=local GOFLAGS='-p=2 -buildvcs=false' TOOL_FOLDER="$folder" "${command[@]}"
  ) || fail "$doing $name did not work, see $folder/build.log" "$remedy"
  tool_inputs_hash "$name" >"$folder/.built-from"
}

# The words of the command, one on a line.
go_build_command() {
  local name=$1 folder=$2 module=$3 version=$4 packages=(.) ldflags='-s -w' output=$2/
  if [[ -n $module ]]; then
    mapfile -t packages < <(sed -nE 's/^(tool|)[[:space:]]+([[:alnum:]._\/-]+)$/\2/p' "$tool_sources/$name/go.mod")
  fi
  case $name in
    kubernetes-*) ldflags+=" -X k8s.io/component-base/version.gitVersion=$version" ;;
    helm-*) ldflags+=" -X $module/internal/version.version=$version" ;;
  esac
  # One program is called after its tool: etcd's package would make it `v3`.
  if ((${#packages[@]} == 1)); then output=$folder/$name; fi
  printf '%s\n' nice go build -trimpath -ldflags "$ldflags" -o "$output" "${packages[@]}"
}

# The folder of a pinned module's own files in the Go module cache.
module_folder() {
  local name=$1 module folder
  module=$(pinned_module "$name")
  folder=$(cd "$tool_sources/$name" && GOWORK=off GOFLAGS='' go list -m -f '{{.Dir}}' "$module")
  if [[ -z $folder ]]; then
    # The module cache was cleaned since the tool was built.
    (cd "$tool_sources/$name" && GOWORK=off GOFLAGS='' timeout 600 go mod download "$module") ||
      fail "cannot download $module" "check that Go can download modules (go env GOPROXY), then try again"
    folder=$(cd "$tool_sources/$name" && GOWORK=off GOFLAGS='' go list -m -f '{{.Dir}}' "$module")
  fi
  printf '%s\n' "$folder"
}
