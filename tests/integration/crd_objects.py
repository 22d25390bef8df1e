"""One good object of each kind, in which every field of the spec that can stand beside the others says something; and
how to change a copy of it by path."""
import copy
import re

import yaml

DELETE = object()


class KubectlYaml(yaml.SafeLoader):
    """YAML as kubectl reads it: 2026-11-08 is a string, not a date."""


KubectlYaml.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def load(text):
    return yaml.load(text, KubectlYaml)


def load_all(text):
    return yaml.load_all(text, KubectlYaml)


REGION = load("""
apiVersion: headroom.dev/v1alpha1
kind: Region
metadata: {name: chennai}
spec:
  cluster:
    type: Kubeconfig
    kubeconfigSecretRef: {namespace: headroom-system, name: chennai-kubeconfig, key: value}
  capacity:
    - {name: pods, hard: 300, usedQuery: sum(kube_pod_info)}
    - {name: storage, hard: 200Gi}
  metrics:
    url: https://prometheus.chennai.example/tenant
    authSecretRef: {namespace: headroom-system, name: prometheus, key: token}
    caRef: {namespace: headroom-system, name: prometheus, key: ca.crt}
    tenantHeader: 'X-Scope-OrgID: erp'
    staleness: 2m
  compliance: [INDIA_IT_ACT]
  dataResidency: Strict
  parameters: {REGION_ID: chennai}
  parameterNamespaces: [erp]
  health:
    probes:
      - {name: ingress, type: HTTP, http: {url: 'https://erp.chennai.example/health'}, interval: 5s, timeout: 1s}
      - {name: db, type: TCP, tcp: {address: 'db.chennai.example:5432'}, failureThreshold: 5}
      - {name: api, type: APIServer}
      - {name: up, type: Prometheus, prometheus: {query: up > 0}}
    policy: Majority
    unhealthyAfter: 1m30s
  allowedNamespaces:
    from: Selector
    selector:
      matchLabels: {team: erp}
      matchExpressions: [{key: stage, operator: In, values: [production]}]
""")

SCALE_TARGET = load("""
apiVersion: headroom.dev/v1alpha1
kind: ScaleTarget
metadata: {namespace: default, name: orders}
spec:
  region: mumbai
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: orders}
  role: Workload
  replicas: {min: 10, max: 100, baseline: 30}
  engine:
    type: HorizontalPodAutoscaler
    horizontalPodAutoscaler:
      metrics:
        - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}
      behavior:
        scaleUp:
          stabilizationWindowSeconds: 60
          policies: [{type: Pods, value: 10, periodSeconds: 60}, {type: Percent, value: 100, periodSeconds: 60}]
        scaleDown:
          policies: [{type: Percent, value: 10, periodSeconds: 60}]
    whenScaledToZero: Raise
  follow: {target: webhook-workers, ratio: "0.5"}
  rules:
    - {name: lag, query: max(lag), above: 300, below: "30", for: 5m, step: {pods: 4, percent: 10}, cooldown: 10m}
  ramp: {up: {pods: 10, period: 1m}, down: {percent: 10, period: 1h}}
  warmUp: {estimate: 90s, learn: Enabled}
  consumes: [{name: pods, perReplica: 1}, {name: storage, perReplica: 0.5Gi}]
  requires: {compliance: [INDIA_IT_ACT], residency: Strict}
  cost: {perReplicaHour: "0.042", currency: INR}
  suspend: None
  priority: -5
""")

READ_REPLICAS = load("""
apiVersion: headroom.dev/v1alpha1
kind: ScaleTarget
metadata: {namespace: default, name: orders-db}
spec:
  targetRef: {apiVersion: postgresql.cnpg.io/v1, kind: Cluster, name: orders}
  role: ReadReplica
  readReplica:
    floor: 3
    counts: Instances
    maxStep: 1
    scaleDown: Manual
    lagGuard: {query: max(lag), freezeAbove: 30s}
  replicas: {min: 3, max: 6, learn: {statistic: Max, window: 48h}}
  engine: {type: Field, field: {path: .spec.instances}}
""")

FESTIVAL_SCHEDULE = load("""
apiVersion: headroom.dev/v1alpha1
kind: FestivalSchedule
metadata: {namespace: default, name: diwali}
spec:
  timeZone: Asia/Kolkata
  fold: Later
  occurrences:
    - {name: diwali-2026, day: 2026-11-08}
    - {name: match, instant: "2026-11-19T14:00:00+05:30"}
    - {name: new-year, rrule: FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1, start: 2027-01-01, exdates: [2028-01-01]}
    - {name: holidays, calendarRef: {configMap: calendar, key: in.ics, summary: Diwali}}
  waves:
    - {name: databases, targets: {roles: [ReadReplica]}, gate: Ready, gateTimeout: 30m}
    - {name: workers, targets: {selector: {matchLabels: {tier: workers}}}, gate: None}
  phases:
    - name: watch
      from: -P10D
      to: -P1W
      notify: [{receiver: on-call, message: Diwali is near, severity: info}]
      switches:
        - {configMap: flags, key: mode, value: calm, regions: [mumbai]}
        - {configMap: flags, key: mode, value: calmer, regions: [chennai]}
    - name: short
      from: -P3D
      to: -P1DT6H
      targets: {selector: {matchExpressions: [{key: tier, operator: In, values: [workers]}]}, names: [orders]}
      multiplier: "2.5"
      waves: [{name: all, targets: {regions: [mumbai]}}]
    - name: long
      from: -PT18H
      to: P2DT6H
      capacity: Start
      decrease: Allow
      demands:
        - {targets: {names: [orders]}, replicas: 60}
        - {add: 2}
    - name: after
      from: P2DT6H
      to: P3D
      decay: {percentPerHour: 10, curve: Exponential}
  priority: 5
  suspend: None
""")

SCALE_LIMIT = load("""
apiVersion: headroom.dev/v1alpha1
kind: ScaleLimit
metadata: {namespace: default, name: artifacts}
spec:
  match:
    resources:
      - group: depository.example.com
        version: v1
        resource: artifacts
        subresources: [scale, status]
        operations: [CREATE, UPDATE, DELETE]
        scope: Namespaced
      - {version: v1, resource: pods, subresources: [scale, status, resize]}
      - {group: apps, version: v1, resource: deployments, subresources: [scale, status]}
    labelSelector:
      matchLabels: {tier: hot}
      matchExpressions: [{key: stage, operator: In, values: [production]}]
    fieldSelector:
      - {path: .status.phase, operator: NotIn, values: [Succeeded, Failed]}
      - {path: ".metadata.annotations['example.com/kept']", operator: Exists}
  object:
    maxBytes: 1000000
    fields:
      - {name: artifact-size, path: .spec.sizeBytes, max: 500M, code: 413, message: split the artifact}
      - {name: gpus, path: ".spec.containers[*].resources.requests['nvidia.com/gpu']", max: 2, code: 403}
      - {name: first, path: ".spec.containers[0].resources.limits.cpu", max: "0.5"}
    replicas: {max: 100}
  total:
    count: 100000
    sums:
      - {name: storage, path: .spec.sizeBytes, hard: 1000G}
      - {name: replicas, path: .spec.replicas, hard: 150}
  rate: {writesPerSecond: 1000, burst: 50}
  concurrency:
    max: 100
    resumeBelow: 75
    queue: {length: 100, timeout: 3s}
    assumeDoneAfter: 10s
  observed:
    - {name: query-p99, query: histogram_quantile(0.99), hard: 5, region: chennai, for: 5m}
  thresholds:
    - {name: busy, percent: 50, level: Yellow}
    - name: expand
      dimension: storage
      percent: 70
      level: Yellow
      action: Notify
      escalation: {to: [ops], within: 6h, message: expand storage}
    - {name: paused, dimension: storage, percent: 99, level: Red, action: PauseWrites, escalation: {to: [owner, ops]}}
    - {name: halted, dimension: storage, percent: 100, level: Red, action: Halt}
    - {name: slow, dimension: query-p99, percent: 10, level: Yellow, action: Notify}
    - {name: watch, dimension: concurrency, percent: 51, level: Yellow}
  deny:
    - name: frozen
      whileSwitch: {configMap: flags, key: writes, value: frozen}
      operations: [UPDATE, DELETE]
      code: 503
      message: writes are frozen
    - {name: never, message: no more of these}
  mode: Warn
  unavailable: Ignore
""")

CLUSTER_SCALE_LIMIT = load("""
apiVersion: headroom.dev/v1alpha1
kind: ClusterScaleLimit
metadata: {name: actions}
spec:
""")
CLUSTER_SCALE_LIMIT["spec"] = copy.deepcopy(SCALE_LIMIT["spec"])
CLUSTER_SCALE_LIMIT["spec"]["match"]["namespaceSelector"] = load("""
matchLabels: {team: agents}
matchExpressions: [{key: quota, operator: In, values: [shared]}]
""")
CLUSTER_SCALE_LIMIT["spec"]["deny"][0]["whileSwitch"]["namespace"] = "agents"

LATENCY = load("""
apiVersion: headroom.dev/v1alpha1
kind: ScaleLimit
metadata: {namespace: default, name: latency}
spec:
  observed: [{name: p99, query: p99, hard: "0.5"}]
  thresholds: [{name: slow, percent: 10, level: Yellow, action: Notify}]
""")

GOOD = {"Region": REGION, "ScaleTarget": SCALE_TARGET, "ReadReplicas": READ_REPLICAS,
        "FestivalSchedule": FESTIVAL_SCHEDULE, "ScaleLimit": SCALE_LIMIT, "ClusterScaleLimit": CLUSTER_SCALE_LIMIT,
        "Latency": LATENCY}


def _steps(path):
    return [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", path)]


def changed(good, changes):
    """A copy of `good` in which each path ("spec.phases[1].to") has its new value, or is gone (DELETE)."""
    result = copy.deepcopy(good)
    for path, value in changes.items():
        *way, last = _steps(path)
        place = result
        for step in way:
            place = place[step] if isinstance(step, int) else place.setdefault(step, {})
        if value is DELETE:
            del place[last]
        elif isinstance(place, list) and last == len(place):
            place.append(value)
        else:
            place[last] = value
    return result
