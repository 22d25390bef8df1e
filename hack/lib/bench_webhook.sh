# shellcheck shell=bash
# What `hack/bench webhook` does: reviews of updates over TLS against the webhook's server alone, nginx with a constant
# answer and a minimal webhook on controller-runtime, in turn. Each has one worker thread but controller-runtime, which
# is Go. Needs report.sh, processes.sh, certificates.sh, state.sh and ports.sh; $repository, $work, $programs and $pairs;
# row, row_below, calculate and process_memory of hack/bench.
# shellcheck disable=SC2154

readonly review_connections=16 review_seconds=5
readonly nginx_share=0.6 controller_runtime_times=6 review_p99_ms=2 webhook_memory_mb=30
readonly review_servers=(webhook nginx controller-runtime)
readonly review_programs=$repository/build/release/tests/webhook_app

# Debian keeps nginx where only root looks for programs.
find_nginx() {
  nginx=$(PATH=$PATH:/usr/sbin command -v nginx) ||
    fail "nginx is not installed, and the webhook is measured beside it" "hack/setup"
}

build_review_servers() {
  run_logged 300 "configuring" "$work/configure.log" cmake --preset release
  run_logged 3600 "building the webhook's server (minutes the first time)" "$work/build-webhook.log" \
    nice cmake --build build/release -j 2 --target webhook_server review_load
  mkdir -p "$programs"
  (cd tests/bench/controller_runtime_webhook && run_logged 1800 "building the webhook on controller-runtime" \
    "$work/go-webhook.log" env CGO_ENABLED=0 GOWORK=off GOTOOLCHAIN=local GOFLAGS='-p=2 -buildvcs=false' \
    go build -o "$programs/" .)
}

write_nginx_settings() {
  cat >"$work/nginx.conf" <<END
daemon off;
master_process off;
pid $work/nginx.process;
events { worker_connections 64; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path $work/nginx-bodies;
  proxy_temp_path $work/nginx-proxy;
  fastcgi_temp_path $work/nginx-fastcgi;
  uwsgi_temp_path $work/nginx-uwsgi;
  scgi_temp_path $work/nginx-scgi;
  default_type application/json;
  server {
    listen 127.0.0.1:$1 ssl;
    ssl_certificate $work/tls.crt;
    ssl_certificate_key $work/tls.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {
      return 200 '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","allowed":true}}';
    }
  }
}
END
}

declare -A review_ports

listens() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

webhook_has_port() {
  webhook_port >/dev/null
}

webhook_port() {
  grep -m 1 -x "[0-9]\+" "$work/webhook.log"
}

start_review_servers() {
  local ports server
  write_request_settings "$work"
  openssl_quietly req -x509 -config "$work/request.cnf" -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout "$work/tls.key" -out "$work/tls.crt"
  create_state_root
  mapfile -t ports < <(take_ports "$work" 2)
  write_nginx_settings "${ports[0]}"
  start_process "$work" webhook "$review_programs/webhook_server" "$work/tls.crt" "$work/tls.key"
  start_process "$work" nginx "$nginx" -p "$work" -e "$work/nginx.errors" -c "$work/nginx.conf"
  start_process "$work" controller-runtime "$programs/controller_runtime_webhook" "$work" "${ports[1]}"
  wait_until 30 "the webhook's port" webhook_has_port || fail "the webhook's server does not start" "see $work/webhook.log"
  review_ports=([webhook]=$(webhook_port) [nginx]=${ports[0]} [controller-runtime]=${ports[1]})
  for server in "${review_servers[@]}"; do
    wait_until 10 "$server to listen" listens "${review_ports[$server]}" ||
      fail "$server does not listen on ${review_ports[$server]}" "see $work/$server.log and $work/nginx.errors"
  done
}

stop_review_servers() {
  local server
  for server in "${review_servers[@]}"; do
    stop_process "$work" "$server" 10 || fail "$server does not end"
  done
}

# load_reviews SERVER FILE [RATE]: RATE reviews a second; as many as it takes without it.
load_reviews() {
  local server=$1 file=$2 pid
  shift 2
  pid=$(process_id "$work" "$server") || fail "$server has ended" "see $work/$server.log"
  "$review_programs/review_load" "${review_ports[$server]}" "$pid" "$review_connections" "$review_seconds" "$@" \
    >"$file" 2>"$work/load.log" || fail "$server did not allow every review: $(head -n 1 "$work/load.log")"
}

review_median() {
  jq -s "map(.$2) | sort | .[length / 2 | floor]" "$work/reviews-$1-"*.json
}

# Of microseconds, to hundredths.
milliseconds() {
  calculate "$1 / 10 | round / 100"
}

measure_webhook() {
  local pair server mine constant peer half
  start_review_servers
  for ((pair = 1; pair <= pairs; pair++)); do
    for server in "${review_servers[@]}"; do load_reviews "$server" "$work/reviews-$server-$pair.json"; done
    say "round $pair (load $(cut -d ' ' -f 1 /proc/loadavg)): reviews per CPU-second" \
      "$(for server in "${review_servers[@]}"; do
        printf '%s %s, ' "$server" "$(jq .perCpuSecond "$work/reviews-$server-$pair.json")"
      done)$(jq .bytes "$work/reviews-webhook-$pair.json") bytes each"
  done
  mine=$(review_median webhook perCpuSecond) constant=$(review_median nginx perCpuSecond)
  peer=$(review_median controller-runtime perCpuSecond)
  row "webhook: reviews per CPU-second, median of $pairs" "$mine" \
    ">= $(calculate "$nginx_share * 100") % of nginx's $constant" "$(calculate "$mine / $constant * 100 | round / 100")" \
    "$(calculate "$mine / $constant >= $nginx_share")"
  row "webhook: the same" "$mine" ">= $controller_runtime_times x controller-runtime's $peer" \
    "$(calculate "$mine / $peer * 10 | round / 10")" "$(calculate "$mine / $peer >= $controller_runtime_times")"
  half=$(calculate "$(review_median webhook perSecond) / 2 | round")
  for ((pair = 1; pair <= pairs; pair++)); do
    for server in webhook nginx; do load_reviews "$server" "$work/reviews-half-$server-$pair.json" "$half"; done
    say "round $pair at $half/s: p99 webhook $(milliseconds "$(jq .p99 "$work/reviews-half-webhook-$pair.json")") ms," \
      "nginx $(milliseconds "$(jq .p99 "$work/reviews-half-nginx-$pair.json")") ms"
  done
  row "webhook: p50 at half load, $half/s" "$(milliseconds "$(review_median half-webhook p50)") ms" - - ''
  row_below "webhook: p99 at half load, median of $pairs" "$(milliseconds "$(review_median half-webhook p99)")" ms \
    "$review_p99_ms"
  # Where the machine itself stands still now and then, nobody's is below the bound.
  row "webhook: nginx's p99 at the same rate" "$(milliseconds "$(review_median half-nginx p99)") ms" - - ''
  row_below "webhook: resident" "$(process_memory webhook VmRSS)" MB "$webhook_memory_mb"
  row "webhook: controller-runtime resident" "$(process_memory controller-runtime VmRSS) MB" - - ''
  stop_review_servers
}

webhook_versions() {
  local runtime
  runtime=$(sed -n 's/.*sigs.k8s.io\/controller-runtime v//p' tests/bench/controller_runtime_webhook/go.mod)
  printf '%s, controller-runtime %s' "$("$nginx" -v 2>&1 | sed 's/^nginx version: //')" "$runtime"
}
