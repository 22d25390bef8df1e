"""The festival that tests/gitops/reapply_test.py plays: what is in Git, in the cluster, and by which clock."""
import datetime

# By hand: a baseline of 4, doubled, times five, then a quarter of 20 less each hour until the phase is over.
ABOVE_ORIGINAL = [8, 20, 15, 10, 5]
ORIGINAL = 4  # where Git has a size; an autoscaler without minReplicas has the API server's default
ABSENT = 1
DAY = datetime.datetime(2026, 11, 8, tzinfo=datetime.timezone.utc)
PHASES = [
    {"name": "lead-up", "from": "-PT2H", "to": "-PT1H", "targets": {}, "multiplier": "2"},
    {"name": "peak", "from": "-PT1H", "to": "PT1H", "targets": {}, "multiplier": "5"},
    {"name": "after", "from": "PT1H", "to": "PT5H", "targets": {}, "decay": {"percentPerHour": "25"}}]
END = 300  # of the last phase, in minutes after DAY
# From which minute on how fast time passes: fast, but for a while of the peak as it does, because how long Headroom
# waits before it answers a tool is no matter of the calendar.
SPEEDS = [(-130, 300), (-50, 1), (-48.75, 300)]
SLOW_FROM, SLOW_UNTIL = SPEEDS[1][0], SPEEDS[2][0]


def deployment(namespace, name, replicas=None):
    labels = {"app": name}
    spec = {"selector": {"matchLabels": labels}, "template": {
        "metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "main"}]}}}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
            "spec": spec}


def autoscaler(namespace, minimum=None):
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}
    spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}, "maxReplicas": 40,
            "metrics": [{"type": "Resource", "resource": cpu}]}
    if minimum is not None:
        spec["minReplicas"] = minimum
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "api", "namespace": namespace}, "spec": spec}


def sizes_in_git(namespace):
    return [deployment(namespace, "web", ORIGINAL), deployment(namespace, "api"), autoscaler(namespace, ORIGINAL)]


def replicas_in_git(namespace):
    return [deployment(namespace, "web", ORIGINAL), *no_sizes_in_git(namespace)[1:]]


def no_sizes_in_git(namespace):
    return [deployment(namespace, "web"), deployment(namespace, "api"), autoscaler(namespace)]


def capacity(namespace):
    """The targets and the schedule of a namespace."""
    def headroom(kind, name, spec):
        return {"apiVersion": "headroom.dev/v1alpha1", "kind": kind,
                "metadata": {"name": name, "namespace": namespace}, "spec": spec}

    def target(name, engine):
        return headroom("ScaleTarget", name, {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "engine": {"type": engine},
            "replicas": {"max": 40, "baseline": ORIGINAL}})
    return [target("web", "Scale"), target("api", "HorizontalPodAutoscaler"), headroom("FestivalSchedule", "diwali", {
        "timeZone": "UTC", "occurrences": [{"name": "day", "instant": DAY.strftime("%Y-%m-%dT%H:%M:%SZ")}],
        "phases": PHASES})]


def replay():
    """The operator's --replay-clock."""
    return ",".join(f"{(DAY + datetime.timedelta(minutes=minute)).strftime('%Y-%m-%dT%H:%M:%SZ')}@{speed}"
                    for minute, speed in SPEEDS)


def real_seconds_until(minute):
    """From when that clock begins."""
    seconds = 0
    for (begin, speed), end in zip(SPEEDS, [begin for begin, _ in SPEEDS[1:]] + [minute]):
        seconds += max(0, min(end, minute) - begin) * 60 / speed
    return seconds
