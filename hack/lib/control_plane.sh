# shellcheck shell=bash
# The components of one test cluster and their settings. All listen on loopback only. Needs report.sh,
# processes.sh, ports.sh, state.sh, certificates.sh, tools.sh.
#
# A cluster's folder holds: settings, ports, certs/, kubeconfig, kubeconfig-token, per component a .pid
# and a .log, and the marker files `ready` and `apiserver-stopped`.

readonly cluster_components=(etcd kube-apiserver kube-controller-manager kube-scheduler kubelets)
readonly token_user=token-admin

cluster_folder() {
  printf '%s/%s' "${state_root:?}" "$1"
}

setting() {
  local folder=$1 key=$2
  sed -n "s/^$key=//p" "$folder/settings"
}

cluster_port() {
  local folder=$1 line
  case $2 in
    etcd) line=1 ;;
    etcd-peer) line=2 ;;
    kube-apiserver) line=3 ;;
  esac
  sed -n "${line}p" "$folder/ports"
}

expected_components() {
  local folder=$1
  if [[ $(setting "$folder" controllers) == yes ]]; then
    printf '%s\n' "${cluster_components[@]}"
  else
    printf '%s\n' etcd kube-apiserver
  fi
}

# cluster_condition NAME: prints running, apiserver-stopped, broken or absent.
cluster_condition() {
  local folder component condition=running
  folder=$(cluster_folder "$1")
  if [[ ! -d $folder ]]; then
    echo absent
    return
  fi
  if [[ ! -e $folder/ready ]]; then
    echo broken
    return
  fi
  for component in $(expected_components "$folder"); do
    if [[ $component == kube-apiserver && -e $folder/apiserver-stopped ]]; then
      condition=apiserver-stopped
    elif ! process_runs "$folder" "$component"; then
      echo broken
      return
    fi
  done
  echo "$condition"
}

# write_kubeconfig FILE SERVER AUTHORITY USER_YAML
write_kubeconfig() {
  local file=$1 server=$2 authority=$3 user=$4
  (
    umask 077
    cat >"$file" <<END
apiVersion: v1
kind: Config
current-context: headroom
contexts:
- name: headroom
  context: {cluster: headroom, user: headroom, namespace: default}
clusters:
- name: headroom
  cluster:
    server: $server
    certificate-authority-data: $(base64 -w0 "$authority")
users:
- name: headroom
  user: $user
END
  )
}

certificate_user() {
  printf '{client-certificate-data: %s, client-key-data: %s}' "$(base64 -w0 "$1.crt")" "$(base64 -w0 "$1.key")"
}

create_credentials() {
  local folder=$1 certs=$1/certs server token component
  server=https://127.0.0.1:$(cluster_port "$folder" kube-apiserver)
  mkdir -p "$certs"
  create_authority "$certs" ca
  create_authority "$certs" front-proxy-ca
  create_service_account_keys "$certs"
  issue_certificate "$certs" ca kube-apiserver /CN=kube-apiserver serverAuth \
    IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
  issue_certificate "$certs" front-proxy-ca front-proxy /CN=front-proxy clientAuth
  issue_certificate "$certs" ca admin /O=system:masters/CN=admin clientAuth
  write_kubeconfig "$folder/kubeconfig" "$server" "$certs/ca.crt" "$(certificate_user "$certs/admin")"
  for component in kube-controller-manager kube-scheduler; do
    issue_certificate "$certs" ca "$component" "/CN=system:$component" clientAuth
    write_kubeconfig "$certs/$component.kubeconfig" "$server" "$certs/ca.crt" \
      "$(certificate_user "$certs/$component")"
  done
  token=$(openssl rand -hex 24)
  (umask 077 && printf '%s,%s,%s,"system:masters"\n' "$token" "$token_user" "$token_user" >"$certs/tokens.csv")
  write_kubeconfig "$folder/kubeconfig-token" "$server" "$certs/ca.crt" "{token: $token}"
}

start_etcd() {
  local folder=$1 client peer
  client=http://127.0.0.1:$(cluster_port "$folder" etcd)
  peer=http://127.0.0.1:$(cluster_port "$folder" etcd-peer)
  # Without fsync a power cut may lose data, which a test cluster can afford.
  start_process "$folder" etcd "$(tool_folder etcd)/etcd" \
    --data-dir "$folder/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"
}

start_kube_apiserver() {
  local folder=$1 certs=$1/certs port flags=() extra=()
  port=$(cluster_port "$folder" kube-apiserver)
  if [[ $(setting "$folder" controllers) == no ]]; then
    # Nobody creates the default ServiceAccounts that this plugin asks of every pod.
    flags+=(--disable-admission-plugins=ServiceAccount)
  fi
  mapfile -t extra <"$folder/apiserver-flags"
  # Without a grace period for watches, a graceful end waits a minute for clients to hang up.
  start_process "$folder" kube-apiserver "$(tool_folder "kubernetes-$(setting "$folder" kubernetes)")/kube-apiserver" \
    --etcd-servers="http://127.0.0.1:$(cluster_port "$folder" etcd)" \
    --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --secure-port="$port" \
    --tls-cert-file="$certs/kube-apiserver.crt" --tls-private-key-file="$certs/kube-apiserver.key" \
    --client-ca-file="$certs/ca.crt" --token-auth-file="$certs/tokens.csv" \
    --authorization-mode=RBAC --allow-privileged=true \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$certs/service-account.pub" \
    --service-account-signing-key-file="$certs/service-account.key" \
    --service-cluster-ip-range=10.96.0.0/16 --endpoint-reconciler-type=none \
    --requestheader-client-ca-file="$certs/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file="$certs/front-proxy.crt" --proxy-client-key-file="$certs/front-proxy.key" \
    --enable-aggregator-routing=true \
    --shutdown-watch-termination-grace-period=2s \
    --max-requests-inflight=3000 --max-mutating-requests-inflight=1000 --profiling=false \
    "${flags[@]}" "${extra[@]}"
}

# start_kube_controller_manager FOLDER [FLAG...]
start_kube_controller_manager() {
  local folder=$1 certs=$1/certs
  shift
  # Its controllers' rights are bound to their own ServiceAccounts, hence the credentials flag.
  # Client-side limits would make scaling to hundreds of pods take minutes. Nodes must not be given up
  # because the API server was stopped for a test.
  start_process "$folder" kube-controller-manager \
    "$(tool_folder "kubernetes-$(setting "$folder" kubernetes)")/kube-controller-manager" \
    --kubeconfig="$certs/kube-controller-manager.kubeconfig" --secure-port=0 --leader-elect=false \
    --use-service-account-credentials=true \
    --service-account-private-key-file="$certs/service-account.key" --root-ca-file="$certs/ca.crt" \
    --cluster-signing-cert-file="$certs/ca.crt" --cluster-signing-key-file="$certs/ca.key" \
    --horizontal-pod-autoscaler-sync-period=2s --node-monitor-grace-period=1h \
    --kube-api-qps=1000 --kube-api-burst=2000 "$@"
}

start_kube_scheduler() {
  local folder=$1 certs=$1/certs
  start_process "$folder" kube-scheduler \
    "$(tool_folder "kubernetes-$(setting "$folder" kubernetes)")/kube-scheduler" \
    --kubeconfig="$certs/kube-scheduler.kubeconfig" --secure-port=0 --leader-elect=false \
    --kube-api-qps=1000 --kube-api-burst=2000
}

# Nodes stay ready, pods become ready after the warm-up, deleted pods go.
start_kubelets() {
  local folder=$1 arguments=()
  if [[ $(setting "$folder" leave_jobs) == yes ]]; then arguments+=(--leave-jobs); fi
  start_process "$folder" kubelets "$(tool_folder kubelets)/kubelets" --kubeconfig "$folder/kubeconfig" \
    --warm-up "$(setting "$folder" warm_up)s" "${arguments[@]}"
}

# cluster_kubectl FOLDER ARGUMENT...: a cache of its own, as the user's one is kept by port, and ports recur.
cluster_kubectl() {
  local folder=$1
  shift
  timeout --foreground "${kubectl_limit:-60}" "$(tool_folder "kubernetes-$(setting "$folder" kubernetes)")/kubectl" \
    --kubeconfig "$folder/kubeconfig" --cache-dir "$folder/kubectl-cache" "$@"
}

# api FOLDER PATH [CURL_ARGUMENT...]
api() {
  local folder=$1 path=$2
  shift 2
  curl --silent --fail --max-time 5 --cacert "$folder/certs/ca.crt" --cert "$folder/certs/admin.crt" \
    --key "$folder/certs/admin.key" "$@" "https://127.0.0.1:$(cluster_port "$folder" kube-apiserver)$path"
}

apiserver_is_ready() {
  local folder=$1
  process_runs "$folder" kube-apiserver && process_runs "$folder" etcd || return 2
  [[ $(api "$folder" /readyz) == ok ]]
}

create_nodes() {
  local folder=$1 count=$2
  jq -n --argjson count "$count" '
    {cpu: "512", memory: "4Ti", "ephemeral-storage": "4Ti", pods: "1000"} as $capacity |
    {apiVersion: "v1", kind: "List", items: [range($count) | "node-\(.)" as $name | {
      apiVersion: "v1", kind: "Node",
      metadata: {name: $name, labels: {
        "kubernetes.io/hostname": $name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": "zone-\(. % 3)"}},
      status: {capacity: $capacity, allocatable: $capacity}}]}' |
    cluster_kubectl "$folder" create --validate=false -f - >>"$folder/nodes.log" 2>&1
}

# Ready, and free of the taint that the node controller keeps on nodes that have just come.
nodes_are_ready() {
  local folder=$1 count=$2 component ready
  for component in kube-controller-manager kube-scheduler kubelets; do
    process_runs "$folder" "$component" || return 2
  done
  ready=$(api "$folder" /api/v1/nodes | jq '[.items[] | select(.spec.taints == null) | .status.conditions[]? |
    select(.type == "Ready" and .status == "True")] | length') || return 1
  ((${ready:-0} >= count))
}

default_account_exists() {
  api "$1" /api/v1/namespaces/default/serviceaccounts/default >/dev/null
}
