#include "tests/api/full_objects.h"

#include <nlohmann/json.hpp>

#include "tests/support/full_status.h"

namespace headroom::api {

using nlohmann::json;

json full_region() {
  return json::parse(R"json({
    "metadata": {"name": "chennai"},
    "spec": {
      "cluster": {"type": "Kubeconfig",
                  "kubeconfigSecretRef": {"namespace": "headroom-system", "name": "chennai-kubeconfig"}},
      "capacity": [{"name": "pods", "hard": 300, "usedQuery": "sum(kube_pod_info)"}, {"name": "storage", "hard": "200G"}],
      "metrics": {"url": "https://prometheus.chennai.example", "staleness": "2m", "tenantHeader": "X-Scope-OrgID: erp",
                  "authSecretRef": {"namespace": "headroom-system", "name": "prometheus"},
                  "caRef": {"namespace": "headroom-system", "name": "prometheus", "key": "bundle.pem"}},
      "compliance": ["INDIA_IT_ACT"],
      "dataResidency": "Strict",
      "parameters": {"region": "chennai"},
      "parameterNamespaces": ["erp"],
      "health": {
        "probes": [
          {"name": "ingress", "type": "HTTP", "http": {"url": "https://erp.chennai.example/health"}, "interval": "5s",
           "timeout": "1s", "failureThreshold": 2},
          {"name": "db", "type": "TCP", "tcp": {"address": "db.chennai.example:5432"}},
          {"name": "api", "type": "APIServer"},
          {"name": "up", "type": "Prometheus", "prometheus": {"query": "up > 0"}}],
        "policy": "Majority",
        "unhealthyAfter": "30s"},
      "allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "erp"}}}}})json");
}

json full_scale_target() {
  return json::parse(R"json({
    "metadata": {"namespace": "erp", "name": "orders-db"},
    "spec": {
      "region": "mumbai",
      "targetRef": {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "orders"},
      "role": "ReadReplica",
      "readReplica": {"floor": 3, "counts": "Instances", "maxStep": 2, "scaleDown": "Automatic",
                      "lagGuard": {"query": "max(lag)", "freezeAbove": "30s"}},
      "replicas": {"min": 3, "max": 8, "baseline": 4, "learn": {"statistic": "Max", "window": "48h"}},
      "engine": {"type": "Field", "field": {"path": ".spec.instances"}, "whenScaledToZero": "Raise"},
      "follow": {"target": "webhook-workers", "ratio": "0.5"},
      "rules": [{"name": "lag", "query": "max(l)", "above": 300, "below": "30", "for": "5m",
                 "step": {"pods": 2, "percent": 10}, "cooldown": "10m"}],
      "ramp": {"up": {"pods": 10, "period": "1m"}, "down": {"percent": 10, "period": "1h"}},
      "warmUp": {"estimate": "6h", "learn": "Enabled"},
      "consumes": [{"name": "pods", "perReplica": 1}, {"name": "storage", "perReplica": "20Gi"}],
      "requires": {"compliance": ["INDIA_IT_ACT"], "residency": "Strict"},
      "cost": {"perReplicaHour": "0.25", "currency": "INR"},
      "suspend": "Hold",
      "priority": -5}})json");
}

json full_festival_schedule() {
  return json::parse(R"({
    "metadata": {"namespace": "erp", "name": "diwali"},
    "spec": {
      "timeZone": "Asia/Kolkata",
      "fold": "Later",
      "occurrences": [
        {"name": "diwali-2026", "day": "2026-11-08"},
        {"name": "match", "instant": "2026-11-19T14:00:00+05:30"},
        {"name": "new-year", "rrule": "FREQ=YEARLY", "start": "2027-01-01", "exdates": ["2028-01-01"]},
        {"name": "holidays", "calendarRef": {"configMap": "calendar", "key": "in.ics", "summary": "Diwali"}}],
      "waves": [{"name": "databases", "targets": {"roles": ["ReadReplica"]}, "gate": "None", "gateTimeout": "30m"}],
      "phases": [
        {"name": "short", "from": "-P3D", "to": "-P1D",
         "targets": {"selector": {"matchLabels": {"tier": "workers"}}, "regions": ["mumbai"]}, "multiplier": "2.5"},
        {"name": "long", "from": "-P1D", "to": "P2DT6H", "capacity": "Start", "decrease": "Allow",
         "demands": [{"targets": {"names": ["orders"]}, "replicas": 60}, {"add": 2}],
         "waves": [{"name": "all", "targets": {}}]},
        {"name": "after", "from": "P2DT6H", "to": "P3D", "decay": {"percentPerHour": 10, "curve": "Exponential"}},
        {"name": "watch", "from": "-P10D", "to": "-P3D",
         "notify": [{"receiver": "on-call", "message": "Diwali is near", "severity": "info"}],
         "switches": [{"configMap": "flags", "key": "mode", "value": "calm", "regions": ["mumbai", "chennai"]}]}],
      "priority": 0,
      "suspend": "Restore"}})");
}

json full_scale_limit() {
  return json::parse(R"json({
    "metadata": {"namespace": "depository", "name": "artifacts"},
    "spec": {
      "match": {
        "resources": [
          {"group": "depository.example.com", "version": "v1", "resource": "artifacts", "subresources": ["status"],
           "operations": ["CREATE", "UPDATE", "DELETE"], "scope": "Namespaced"},
          {"group": "", "version": "v1", "resource": "pods", "subresources": ["status", "resize", "scale"]}],
        "labelSelector": {"matchLabels": {"tier": "hot"}},
        "fieldSelector": [{"path": ".status.phase", "operator": "NotIn", "values": ["Succeeded", "Failed"]},
                          {"path": ".metadata.annotations['example.com/kept']", "operator": "Exists"}]},
      "object": {
        "maxBytes": 1000000,
        "fields": [{"name": "artifact-size", "path": ".spec.sizeBytes", "max": "500M", "code": 403, "message": "split it"},
                   {"name": "memory", "path": ".spec.containers[*].resources.requests.memory", "max": "2Gi"}],
        "replicas": {"max": 100}},
      "total": {"count": 100000, "sums": [{"name": "storage", "path": ".spec.sizeBytes", "hard": "1000G"},
                                          {"name": "cache", "path": ".spec['cache/bytes']", "hard": "8Gi"}]},
      "rate": {"writesPerSecond": 1000, "burst": 50},
      "concurrency": {"max": 100, "resumeBelow": 75, "queue": {"length": 100, "timeout": "2s"}, "assumeDoneAfter": "20s"},
      "observed": [{"name": "query-p99", "query": "p99", "hard": "5", "region": "chennai", "for": "5m"}],
      "thresholds": [
        {"name": "busy", "percent": 51, "level": "Yellow"},
        {"name": "full", "dimension": "storage", "percent": 99, "level": "Red", "action": "PauseWrites",
         "escalation": {"to": ["owner", "ops"], "within": "1h", "message": "storage is being expanded"}}],
      "deny": [{"name": "freeze", "whileSwitch": {"configMap": "flags", "key": "writes", "value": "frozen"},
                "operations": ["UPDATE", "DELETE"], "code": 503, "message": "writes are frozen"},
               {"name": "never", "message": "no more of these"}],
      "mode": "Warn",
      "unavailable": "Ignore"}})json");
}

json full_cluster_scale_limit() {
  return json::parse(R"json({
    "metadata": {"name": "actions"},
    "spec": {
      "match": {
        "resources": [{"group": "agents.example.com", "version": "v1", "resource": "actions"}],
        "namespaceSelector": {"matchExpressions": [{"key": "quota", "operator": "Exists"}]}},
      "total": {"count": 0},
      "deny": [{"name": "freeze", "message": "writes are frozen",
                "whileSwitch": {"namespace": "agents", "configMap": "flags", "key": "writes", "value": "frozen"}}]}})json");
}

json full_limit_ledger() {
  return {{"metadata", {{"namespace", "headroom-system"}, {"name", "sl.default.artifacts"}, {"resourceVersion", "71"}}},
          {"record", to_json(testing_support::full_ledger_record())}};
}

}  // namespace headroom::api
