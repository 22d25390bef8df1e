# shellcheck shell=bash
# The write path: what a limit costs those who write, beside no limit at all and beside an in-tree ResourceQuota. Part
# of hack/bench, which has the cluster, $programs, $work and the table. Needs processes.sh, ports.sh, certificates.sh,
# control_plane.sh.
#
# shellcheck disable=SC2154 # programs, work, pairs, server_flags: hack/bench

readonly write_clients=16 churn_clients=64 churn_hard=100 full_objects=100000
readonly write_time=6s churn_time=15s denial_time=15s
# Far enough away that nobody is refused, near enough that the room is dealt out in slices.
readonly creates_hard=50000
# A call of any webhook costs the API server about as much as the create itself, so what we add is held against one that
# does nothing. A ResourceQuota has neither a call nor, like here, three more processes on the API server's own cores.
readonly least_share_of_allow=0.9 least_share_of_quota=1 least_churn_share=0.5
webhook=$repository/build/release/webhook/app/headroom-webhook
webhooks_running=0

build_webhook() {
  run_logged 300 "configuring" "$work/configure.log" cmake --preset release
  run_logged 3600 "building the webhook (minutes the first time)" "$work/build-webhook.log" \
    nice cmake --build build/release -j 2 --target headroom-webhook
}

# write_load CLIENTS NAMESPACE FLAG...: the load's report goes to standard output.
write_load() {
  local clients=$1 namespace=$2
  shift 2
  "$programs/writeload" "${server_flags[@]}" --connections "$clients" --namespace "$namespace" "$@"
}

webhook_folder() {
  printf '%s/webhooks' "$work"
}

# start_webhooks COUNT: with the defaults of the program, reached directly or, several, through a balancer.
start_webhooks() {
  local count=$1 folder ports certs i servers=()
  folder=$(webhook_folder)
  certs=$HEADROOM_CLUSTERS/bench/certs
  mkdir -p "$folder"
  mapfile -t ports < <(take_ports "$HEADROOM_CLUSTERS/bench" $((2 * count + 1)))
  ensure_webhook_certificate
  for ((i = 0; i < count; i++)); do
    servers+=("127.0.0.1:${ports[2 * i + 1]}")
    : >"$folder/webhook-$i.log"
    start_process "$folder" "webhook-$i" "$webhook" --kubeconfig "$(hack/cluster kubeconfig bench)" \
      --listen "127.0.0.1:$((count == 1 ? ports[0] : ports[2 * i + 1]))" --health-listen "127.0.0.1:${ports[2 * i + 2]}" \
      --identity "bench-$i" --tls-certificate "$certs/webhook.crt" --tls-key "$certs/webhook.key" \
      --webhook-configuration headroom --webhook-url "https://127.0.0.1:${ports[0]}/validate" --webhook-ca "$certs/ca.crt" \
      --drain-delay-seconds 0 --drain-seconds 5
    printf '%s' "${ports[2 * i + 2]}" >"$folder/webhook-$i.health"
  done
  webhooks_running=$count
  if ((count > 1)); then
    start_process "$folder" balance "$programs/balance" --listen "127.0.0.1:${ports[0]}" \
      --to "$(IFS=, && printf '%s' "${servers[*]}")"
  fi
  for ((i = 0; i < count; i++)); do
    wait_until 60 "webhook $i to be ready" webhook_is_ready "$i" ||
      fail "a webhook does not become ready" "see $folder/webhook-$i.log"
  done
}

webhook_is_ready() {
  process_runs "$(webhook_folder)" "webhook-$1" || return 2
  curl --silent --fail --max-time 2 --output /dev/null "http://127.0.0.1:$(<"$(webhook_folder)/webhook-$1.health")/readyz"
}

webhook_metrics() {
  curl --silent --fail --max-time 5 "http://127.0.0.1:$(<"$(webhook_folder)/webhook-$1.health")/metrics"
}

end_webhooks() {
  local i
  for ((i = 0; i < webhooks_running; i++)); do stop_process "$(webhook_folder)" "webhook-$i" 20 || return 1; done
  stop_process "$(webhook_folder)" balance || return 1
  stop_process "$(webhook_folder)" allow || return 1
  webhooks_running=0
}

stop_webhooks() {
  end_webhooks || fail "a webhook does not end"
  kubectl delete validatingwebhookconfiguration headroom >/dev/null
}

# A webhook that allows everything, called for what ours is called for: the API server's own costs of any webhook.
start_allow() {
  local folder certs port
  folder=$(webhook_folder)
  certs=$HEADROOM_CLUSTERS/bench/certs
  mkdir -p "$folder"
  port=$(take_ports "$HEADROOM_CLUSTERS/bench" 1)
  ensure_webhook_certificate
  start_process "$folder" allow "$programs/allow" --listen "127.0.0.1:$port" --certificate "$certs/webhook.crt" \
    --key "$certs/webhook.key"
  kubectl apply -f - >/dev/null <<END
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: allow}
webhooks:
  - name: allow.example.com
    admissionReviewVersions: [v1]
    sideEffects: None
    timeoutSeconds: 5
    clientConfig: {url: "https://127.0.0.1:$port/", caBundle: $(base64 -w0 "$certs/ca.crt")}
    rules: [{apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: [CREATE, UPDATE]}]
END
  sleep 2 # see wait_for_limit
}

stop_allow() {
  kubectl delete validatingwebhookconfiguration allow >/dev/null
  stop_process "$(webhook_folder)" allow
}

ensure_webhook_certificate() {
  local certs=$HEADROOM_CLUSTERS/bench/certs
  [[ -r $certs/webhook.crt ]] || issue_certificate "$certs" ca webhook /CN=webhook serverAuth IP:127.0.0.1
}

# apply_limit NAMESPACE COUNT SIZE: of ConfigMaps, and of what their data.size adds up to.
apply_limit() {
  kubectl apply -f - >/dev/null <<END
apiVersion: headroom.dev/v1alpha1
kind: ScaleLimit
metadata: {name: bench, namespace: $1}
spec:
  match: {resources: [{version: v1, resource: configmaps}]}
  total:
    count: $2
    sums: [{name: size, path: .data.size, hard: $3}]
END
}

limit_is_in_force() {
  local i
  for ((i = 0; i < webhooks_running; i++)); do
    webhook_metrics "$i" |
      grep -q "^headroom_limit_generation_in_force{kind=\"ScaleLimit\",limit=\"bench\",namespace=\"$1\"} 1" || return 1
  done
  kubectl get validatingwebhookconfiguration headroom -o json |
    jq -e 'any(.webhooks[]?.rules[]?; .resources | index("configmaps"))' >/dev/null
}

# wait_for_limit NAMESPACE: each replica judges by it, and the API server asks.
wait_for_limit() {
  wait_until 120 "the limit in $1 to be in force" limit_is_in_force "$1" ||
    fail "the limit does not come into force" "see $(webhook_folder)/webhook-0.log"
  # The API server takes a moment to hear of a webhook's rules, and says nowhere that it has.
  sleep 2
}

remove_limit() {
  kubectl delete scalelimit bench -n "$1" --timeout=30s >/dev/null
}

start_quota_controller() {
  start_kube_controller_manager "$HEADROOM_CLUSTERS/bench" --controllers=resourcequota-controller
}

stop_quota_controller() {
  stop_process "$HEADROOM_CLUSTERS/bench" kube-controller-manager 10 || fail "kube-controller-manager does not end"
}

quota_is_in_force() {
  kubectl get resourcequota bench -n "$1" -o json | jq -e '.status.hard["count/configmaps"] != null' >/dev/null
}

# start_quota NAMESPACE COUNT
start_quota() {
  start_quota_controller
  kubectl apply -f - >/dev/null <<END
apiVersion: v1
kind: ResourceQuota
metadata: {name: bench, namespace: $1}
spec: {hard: {count/configmaps: "$2"}}
END
  wait_until 60 "the quota in $1 to be in force" quota_is_in_force "$1" ||
    fail "the quota does not come into force" "see $HEADROOM_CLUSTERS/bench/kube-controller-manager.log"
}

stop_quota() {
  kubectl delete resourcequota bench -n "$1" --timeout=30s >/dev/null
  stop_quota_controller
}

# CPU time in clock ticks of whatever a case needs beside the API server and etcd.
helpers_ticks() {
  local i sum=0
  case $1 in
    quota) sum=$(process_ticks "$HEADROOM_CLUSTERS/bench" kube-controller-manager) ;;
    allow) sum=$(process_ticks "$(webhook_folder)" allow) ;;
    ours-*)
      for ((i = 0; i < webhooks_running; i++)); do
        sum=$((sum + $(process_ticks "$(webhook_folder)" "webhook-$i")))
      done
      ;;
  esac
  echo "$sum"
}

# write_case NAMESPACE COUNT CASE FILE CLIENTS FLAG...: one load under `none`, `quota`, or `ours-N` with N replicas.
write_case() {
  local namespace=$1 count=$2 case=$3 file=$4 clients=$5 before
  shift 5
  kubectl create namespace "$namespace" >/dev/null
  case $case in
    quota) start_quota "$namespace" "$count" ;;
    allow) start_allow ;;
    ours-*)
      apply_limit "$namespace" "$count" $((10 * count))
      start_webhooks "${case#ours-}"
      wait_for_limit "$namespace"
      ;;
  esac
  before=$(helpers_ticks "$case")
  write_load "$clients" "$namespace" "$@" >"$file.load" || fail "the load failed under $case"
  jq -c --argjson ticks $(($(helpers_ticks "$case") - before)) --argjson second "$(getconf CLK_TCK)" \
    '. + {helpersSeconds: ($ticks / $second)}' "$file.load" >"$file"
  case $case in
    quota) stop_quota "$namespace" ;;
    allow) stop_allow ;;
    ours-*)
      remove_limit "$namespace"
      stop_webhooks
      ;;
  esac
  write_load "$write_clients" "$namespace" --mode clear
}

# run_write_cases WHAT CASES COUNT CLIENTS FLAG...: all cases in turn, as many rounds as there are pairs. Each round
# begins with another one: a machine that others share may be slower the longer it has been busy.
run_write_cases() {
  local what=$1 cases count=$3 clients=$4 pair turn case file
  read -ra cases <<<"$2"
  shift 4
  for ((pair = 1; pair <= pairs; pair++)); do
    for ((turn = 0; turn < ${#cases[@]}; turn++)); do
      case=${cases[(turn + pair - 1) % ${#cases[@]}]}
      file=$work/$what-$pair-$case.json
      write_case "$what-$pair-$case" "$count" "$case" "$file" "$clients" "$@"
      say "$what, round $pair, $case: $(jq -c '[.perSecond, .p50, .p99, .answers]' "$file")"
      jq -c --arg case "$case" --argjson pair "$pair" '. + {case: $case, pair: $pair}' "$file" >>"$work/$what.json"
    done
  done
}

# of_case WHAT CASE FIELD: the median over all rounds.
of_case() {
  jq -sr --arg case "$2" "[.[] | select(.case == \$case) | $3] | sort |
    if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end |
    . * 1000 | round / 1000" "$work/$1.json"
}

# share_of WHAT CASE PEER [FIELD]: the median of what a case had in a round, as a share of what a peer had in the same
# one; writes a second if not told otherwise.
share_of() {
  jq -sr --arg mine "$2" --arg peer "$3" --arg field "${4:-perSecond}" \
    'group_by(.pair) | map((map(select(.case == $mine))[0][$field]) /
    (map(select(.case == $peer))[0][$field])) | sort | if length % 2 == 1 then .[length / 2 | floor]
    else (.[length / 2 - 1] + .[length / 2]) / 2 end | . * 1000 | round / 1000' "$work/$1.json"
}

worst_of() {
  jq -sr --arg case "$2" "[.[] | select(.case == \$case) | $3] | max" "$work/$1.json"
}

case_name() {
  case $1 in
    none) echo 'no limit' ;;
    quota) echo 'ResourceQuota' ;;
    allow) echo 'a webhook that allows everything' ;;
    ours-1) echo 'ScaleLimit, one replica' ;;
    ours-*) echo "ScaleLimit, ${1#ours-} replicas" ;;
  esac
}

measure_creates() {
  local case share
  run_write_cases creates 'none quota allow ours-1 ours-3' "$creates_hard" "$write_clients" --mode creates --seconds "$write_time"
  for case in ours-1 ours-3; do
    share=$(share_of creates "$case" allow)
    row "creates: $(case_name "$case"), median of $pairs" "$(of_case creates "$case" '.perSecond | round')/s" \
      ">= $(calculate "$least_share_of_allow * 100") % of $(of_case creates allow '.perSecond | round')/s under $(case_name allow)" \
      "$share" "$(calculate "$share >= $least_share_of_allow")"
    share=$(share_of creates "$case" quota)
    row "creates: $(case_name "$case")" "$(of_case creates "$case" '.perSecond | round')/s" \
      ">= $(calculate "$least_share_of_quota * 100") % of $(of_case creates quota '.perSecond | round')/s under a ResourceQuota" \
      "$share" "$(calculate "$share >= $least_share_of_quota")"
    row "creates: $(case_name "$case")" "$(of_case creates "$case" '.perSecond | round')/s" \
      "$(of_case creates none '.perSecond | round')/s without a limit" "$(share_of creates "$case" none)" ''
  done
  {
    printf 'Creates from %s clients, medians of %s rounds\n\n' "$write_clients" "$pairs"
    printf '| | creates/s | of no limit | p50 | p99 | admission p50 | p99 | CPU per create: API server | webhook or controller |\n'
    printf '|---|---:|---:|---:|---:|---:|---:|---:|---:|\n'
    for case in none quota allow ours-1 ours-3; do
      printf '| %s | %s | %s %% | %s ms | %s ms | %s | %s | %s ms | %s ms |\n' "$(case_name "$case")" \
        "$(of_case creates "$case" '.perSecond | round')" "$(calculate "$(share_of creates "$case" none) * 100 | round")" \
        "$(of_case creates "$case" .p50)" "$(of_case creates "$case" .p99)" \
        "$(admission_of creates "$case" reviewP50Ms)" "$(admission_of creates "$case" reviewP99Ms)" \
        "$(of_case creates "$case" '.apiServer.cpuSeconds / .created * 1000')" \
        "$(of_case creates "$case" '.helpersSeconds / .created * 1000')"
    done
    printf '\n'
  } >>"$work/tables"
}

# By the API server's own histogram of what it waits for the webhook.
admission_of() {
  case $2 in
    allow | ours-*) printf '%s ms' "$(of_case "$1" "$2" ".apiServer.$3")" ;;
    *) printf -- '-' ;;
  esac
}

measure_at_limit() {
  local case share
  run_write_cases churn 'none quota ours-1 ours-3' "$churn_hard" "$churn_clients" --mode churn --seconds "$churn_time" --hard "$churn_hard"
  for case in ours-1 ours-3; do
    share=$(share_of churn "$case" none operationsPerSecond)
    row "at the limit: $(case_name "$case"), landed or rightly refused, median of $pairs" \
      "$(of_case churn "$case" '.operationsPerSecond | round')/s" \
      ">= $(calculate "$least_churn_share * 100") % of $(of_case churn none '.operationsPerSecond | round')/s without a limit" \
      "$share" "$(calculate "$share >= $least_churn_share")"
    row "at the limit: $(case_name "$case"), landed" "$(of_case churn "$case" '.perSecond | round')/s" \
      "$(of_case churn none '.perSecond | round')/s without a limit" "$(share_of churn "$case" none)" ''
    row "at the limit: $(case_name "$case"), stored too many" "$(worst_of churn "$case" .overshoot)" 0 - \
      "$(calculate "$(worst_of churn "$case" .overshoot) == 0")"
    row "at the limit: $(case_name "$case"), wrong denials" "$(worst_of churn "$case" .falseDenials)" 0 - \
      "$(calculate "$(worst_of churn "$case" .falseDenials) == 0")"
  done
  {
    printf 'Creates and deletes from %s clients that want more than the %s allowed objects, %s each, medians of %s rounds\n\n' \
      "$churn_clients" "$churn_hard" "$churn_time" "$pairs"
    printf '| | landed/s | and rightly refused | most stored | 403 | wrong ones | 429 | errors | create p50 | p99 |\n'
    printf '|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n'
    for case in none quota ours-1 ours-3; do
      printf '| %s | %s | %s/s | %s | %s | %s | %s | %s %% | %s ms | %s ms |\n' "$(case_name "$case")" \
        "$(of_case churn "$case" '.perSecond | round')" "$(of_case churn "$case" '.operationsPerSecond | round')" "$(worst_of churn "$case" .most)" "$(of_case churn "$case" .denied)" \
        "$(of_case churn "$case" .falseDenials)" "$(of_case churn "$case" '.answers["429"] // 0')" \
        "$(of_case churn "$case" '.strange / .requests * 100')" "$(of_case churn "$case" .p50)" "$(of_case churn "$case" .p99)"
    done
    printf '\n'
  } >>"$work/tables"
}

# webhook_memory NUMBER FIELD: of /proc/PID/status, in MB (10^6 bytes).
webhook_memory() {
  awk -v field="$2:" '$1 == field {printf "%.1f", $2 * 1024 / 1e6}' \
    "/proc/$(process_id "$(webhook_folder)" "webhook-$1")/status"
}

measure_full_limit() {
  local namespace=full file=$work/denials.json before
  kubectl create namespace "$namespace" >/dev/null
  say "making $full_objects ConfigMaps"
  write_load "$write_clients" "$namespace" --mode creates --count "$full_objects" --seconds 10m --prefix stored >/dev/null
  apply_limit "$namespace" "$full_objects" $((10 * full_objects))
  start_webhooks 1
  wait_for_limit "$namespace"
  before=$(webhook_memory 0 VmRSS)
  write_load "$churn_clients" "$namespace" --mode denials --seconds "$denial_time" --prefix refused >"$file"
  row "full limit: denials a second, $churn_clients clients, $full_objects objects" \
    "$(jq '.denied / .seconds | round' "$file")/s" - - ''
  row "full limit: lists of the type a second meanwhile" "$(jq '.apiServer.lists / .seconds * 10 | round / 10' "$file")/s" - - ''
  row "full limit: of a core that the API server needs" "$(jq '.apiServer.cpuSeconds / .seconds * 100 | round' "$file") %" - - ''
  row "full limit: create p50, p99" "$(jq -r '"\(.p50) ms, \(.p99) ms"' "$file")" - - ''
  row "full limit: of its webhook's answers, not a 403" "$(jq '(.answers | to_entries | map(select(.key != "403").value) | add // 0)' "$file")" - - ''
  row "full limit: webhook resident with $full_objects objects, before the denials" "$before MB" - - ''
  row "full limit: webhook resident, highest" "$(webhook_memory 0 VmHWM) MB" - - ''
  say "denials: $(jq -c . "$file")"
  remove_limit "$namespace"
  stop_webhooks
}
