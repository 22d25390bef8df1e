"""What tests/chart/upgrade_test.py puts into the cluster, and how it counts what is there."""
import datetime

BUSY, FULL, ANNEX = "busy", "full", "annex"  # namespaces: far from its limit; at its limit; without any
PLENTY, HARD = 10000, 40
AT_REST, IN_PHASE = 2, 6


def headroom(kind, name, namespace, spec):
    return {"apiVersion": "headroom.dev/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": namespace},
            "spec": spec}


def festival(namespace):
    """Two workloads, one with an autoscaler, and a phase that holds today."""
    objects = []
    for name in ("web", "api"):
        labels = {"app": name}
        # What an autoscaler scales says no size.
        size = {"replicas": AT_REST} if name == "web" else {}
        objects.append({"apiVersion": "apps/v1", "kind": "Deployment",
                        "metadata": {"name": name, "namespace": namespace},
                        "spec": {**size, "selector": {"matchLabels": labels}, "template": {
                            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "c"}]}}}})
        engine = "Scale" if name == "web" else "HorizontalPodAutoscaler"
        objects.append(headroom("ScaleTarget", name, namespace, {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "engine": {"type": engine},
            "replicas": {"max": 20, "baseline": AT_REST}}))
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}
    objects.append({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                    "metadata": {"name": "api", "namespace": namespace},
                    "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
                             "minReplicas": AT_REST, "maxReplicas": 20,
                             "metrics": [{"type": "Resource", "resource": cpu}]}})
    objects.append(headroom("FestivalSchedule", "now", namespace, {
        "timeZone": "Asia/Kolkata", "occurrences": [{"name": "now", "day": datetime.date.today().isoformat()}],
        "phases": [{"name": "all", "from": "-P2D", "to": "P3D", "targets": {}, "multiplier": "3"}]}))
    return objects


def limit(namespace, count):
    return headroom("ScaleLimit", "settings", namespace, {
        "match": {"resources": [{"group": "", "version": "v1", "resource": "configmaps"}]}, "total": {"count": count}})


def ready_addresses(endpoint_slice):
    if endpoint_slice["metadata"]["labels"].get("kubernetes.io/service-name") != "headroom-webhook":
        return None
    return sum(1 for one in endpoint_slice.get("endpoints") or [] if one["conditions"].get("ready"))


def stored_over_time(revisions):
    """(at, how many there are from then on)."""
    there, counts = set(), []
    for one in revisions:
        (there.discard if one.change == "DELETED" else there.add)(one.name)
        counts.append((one.at, len(there)))
    return counts


def most_between(counts, begin, end):
    """The largest count that held at some time between."""
    before = [count for at, count in counts if at <= begin]
    return max(before[-1:] + [count for at, count in counts if begin < at <= end], default=0)
