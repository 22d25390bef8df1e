#include "tests/lint/shop.h"

#include <absl/time/civil_time.h>
#include <gtest/gtest.h>

#include "operator/base/time_zone.h"

namespace headroom::lint {

const std::string& shop() {
  static const std::string text = R"(apiVersion: headroom.dev/v1alpha1
kind: Region
metadata:
  name: mumbai
spec:
  cluster: {type: Local}
  capacity:
  - name: pods
    hard: 200
  metrics:
    url: http://prometheus.monitoring:9090
    staleness: 5m
  compliance: [INDIA_IT_ACT]
  health:
    probes:
    - name: site
      type: HTTP
      http: {url: "https://example.com/healthz"}
      interval: 10s
      timeout: 3s
---
apiVersion: headroom.dev/v1alpha1
kind: ScaleTarget
metadata:
  name: web
  namespace: shop
  labels: {tier: web}
spec:
  region: mumbai
  targetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: web
  replicas:
    min: 2
    max: 50
    baseline: 10
  rules:
  - name: queue
    query: sum(queue_length)
    above: 1000
    below: 100
    for: 5m
    step: {pods: 5}
  consumes:
  - name: pods
    perReplica: 1
  requires:
    compliance: [INDIA_IT_ACT]
  warmUp:
    estimate: 90s
---
apiVersion: headroom.dev/v1alpha1
kind: ScaleTarget
metadata:
  name: worker
  namespace: shop
  labels: {tier: worker}
spec:
  region: mumbai
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: worker}
  replicas: {max: 40}
  engine:
    type: Scale
  follow:
    target: web
    ratio: "0.5"
---
apiVersion: headroom.dev/v1alpha1
kind: FestivalSchedule
metadata:
  name: diwali
  namespace: shop
spec:
  timeZone: Asia/Kolkata
  occurrences:
  - name: this-year
    day: 2026-11-08
  - name: weekly
    start: 2026-11-01
    rrule: FREQ=WEEKLY;BYDAY=SU;COUNT=3
  - name: from-calendar
    calendarRef: {configMap: holidays, key: india.ics, summary: Holi}
  phases:
  - name: before
    from: -P1D
    to: P0D
    targets:
      names: [web]
    multiplier: 2
  - name: peak
    from: P0D
    to: P1D
    targets:
      selector: {matchLabels: {tier: web}}
    add: 20
    switches:
    - {configMap: festival, key: sms, value: standby, regions: [mumbai]}
---
apiVersion: headroom.dev/v1alpha1
kind: ScaleLimit
metadata:
  name: orders
  namespace: shop
spec:
  match:
    resources:
    - group: shop.example.com
      version: v1
      resource: orders
      operations: [CREATE, UPDATE]
  total:
    count: 1000
    sums:
    - name: bytes
      path: .spec.sizeBytes
      hard: 10G
  rate:
    writesPerSecond: 100
    burst: 200
  concurrency:
    max: 10
    resumeBelow: 5
  thresholds:
  - name: nearly-full
    dimension: bytes
    percent: 80
    level: Yellow
    action: Notify
    escalation: {to: [on-call], within: 6h}
  - name: full
    dimension: bytes
    percent: 100
    level: Red
    action: PauseWrites
---
apiVersion: headroom.dev/v1alpha1
kind: ClusterScaleLimit
metadata:
  name: pods
spec:
  match:
    resources:
    - {version: v1, resource: pods}
    namespaceSelector:
      matchLabels: {kind: shop}
  total:
    count: 5000
---
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {kind: shop}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: holidays
  namespace: shop
data:
  india.ics: |
    BEGIN:VCALENDAR
    VERSION:2.0
    PRODID:-//example.com//holidays//EN
    BEGIN:VEVENT
    UID:holi-2027@example.com
    DTSTAMP:20260101T000000Z
    DTSTART;VALUE=DATE:20270322
    SUMMARY:Holi
    END:VEVENT
    END:VCALENDAR
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker, namespace: shop}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 30
)";
  return text;
}

std::string spoiled(const std::string& part, const std::string& replacement) {
  std::string text = shop();
  const std::size_t found = text.find(part);
  EXPECT_NE(found, std::string::npos) << part << " stands nowhere";
  EXPECT_EQ(text.find(part, found + 1), std::string::npos) << part << " stands at several places";
  return text.replace(found, part.size(), replacement);
}

Options options_of_test() {
  Options options;
  options.now = absl::FromCivil(absl::CivilDay(2026, 10, 20), absl::UTCTimeZone());
  options.zones = load_time_zone;
  return options;
}

Report lint_text(const std::string& text, const Options& options) {
  return lint(manifest::read_text(text, "shop.yaml"), options);
}

}  // namespace headroom::lint
