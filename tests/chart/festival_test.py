#!/usr/bin/env python3
"""A festival and a store's limits as users have them: samples of manifests/, the chart's own pods, its Service and its
rights, and a pod that ends in the middle of it.

Usage: festival_test.py HEADROOM HEADROOM_OPERATOR HEADROOM_WEBHOOK [unittest arguments]
"""
import datetime
import itertools
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import yaml

import chart
import pods
from api import Api
from audit import Audit
from cluster import Cluster
from history import History
from kubelet import CLUSTER_FLAGS, Kubelet
from writers import Writers

PROGRAMS = {}
SAMPLES = chart.ROOT / "manifests" / "samples"
ERP, STORE = "whatsapp-erp", "depository"
DATABASE = "erp-db"
SIZES = {f"/apis/autoscaling/v2/namespaces/{ERP}/horizontalpodautoscalers": "minReplicas",
         f"/apis/postgresql.cnpg.io/v1/namespaces/{ERP}/clusters": "instances"}
# Diwali 2026 in a minute and a half: slowly over its first boundary, while the pods start, then long enough for the
# other to take over, fast through its days, and slowly again while the sizes fall from hour to hour.
CLOCK = (("2026-11-04T18:00:00Z", 180), ("2026-11-04T18:40:00Z", 3600), ("2026-11-06T20:00:00Z", 14400),
         ("2026-11-09T18:00:00Z", 1800))
END = "2026-11-10T12:00:00Z"
LATE = datetime.timedelta(hours=2)
VALUES = {
    "crds": {"enabled": False},  # they are there before
    "operator": {
        "extraArgs": ["--replay-clock=" + ",".join(f"{instant}@{speed}" for instant, speed in CLOCK)],
        "scaleKinds": [{"group": "postgresql.cnpg.io", "resource": "clusters"}],
        "receivers": [{"name": "on-call", "type": "Webhook", "urls": ["http://127.0.0.1:9"]}]},
    "webhook": {
        "requestDeadlineSeconds": 12, "drain": {"delaySeconds": 1},
        "limitedResources": [{"apiGroups": ["depository.example.com"], "resources": ["artifacts", "auditrecords"]}]}}
WRITERS, PAUSE = 16, 0.3      # seconds at most between the writes of one
MEGABYTES, STORED = 100, 400  # of one artifact; how many of them fill the store, in place of 1000 GB
COUNT = 850                   # once the store is larger; in place of 100,000


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def seconds_until(text):
    """How long an operator has to run until its calendar shows that."""
    seconds, (began, speed), wanted = 0, CLOCK[0], instant(text)
    for next_began, next_speed in CLOCK[1:]:
        if instant(next_began) >= wanted:
            break
        seconds += (instant(next_began) - instant(began)).total_seconds() / speed
        began, speed = next_began, next_speed
    return seconds + (wanted - instant(began)).total_seconds() / speed


def without_repetitions(sizes):
    return [size for size, _ in itertools.groupby(sizes)]


def in_order(some, everything):
    rest = iter(everything)
    return all(one in rest for one in some)


def documents(path, wanted=lambda one: True):
    return [one for one in chart.load_all(path.read_text(encoding="utf-8")) if wanted(one)]


def scaled_down(limit):
    """A limit of the depository that this machine can fill."""
    for one in limit["spec"].get("total", {}).get("sums", []):
        one["hard"] = f"{MEGABYTES * STORED}M"
    if "count" in limit["spec"].get("total", {}):
        limit["spec"]["total"]["count"] = COUNT
    for threshold in limit["spec"].get("thresholds", []):
        if threshold["name"] in ("pause", "halt"):
            threshold["action"] = "Notify"  # the owner lets the last hundredth be used
    return limit


class InPods(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="headroom-festival-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        cls.audit = Audit(cls.folder)
        cls.cluster = Cluster("festival", *pods.APISERVER_FLAGS, *cls.audit.flags, "--request-timeout=10s", foreign=(),
                              flags=CLUSTER_FLAGS)
        cls.addClassCleanup(cls.cluster.down)
        cls.api = Api(cls.cluster)
        cls.kubelet = Kubelet(cls.cluster, PROGRAMS)
        cls.addClassCleanup(cls.kubelet.stop)
        chart.hack("dbcontroller", "up", cls.cluster.name, "--delay", "100ms")
        cls.cluster.kubectl("apply", "--server-side", "--filename", chart.ROOT / "crds")
        cls.festival = cls.write_festival()
        cls.cluster.kubectl("apply", "--server-side", "--filename", cls.festival)
        cls.cluster.kubectl("wait", "deployments", "--all", "--for=condition=Available", "--timeout=90s",
                            "--namespace", ERP)
        cls.histories = [History(Api(cls.cluster), path, lambda item, field=field: item["spec"][field])
                         for path, field in SIZES.items()]
        for each in cls.histories:
            cls.addClassCleanup(each.stop)
        cls.before = cls.sized()
        (cls.folder / "values.yaml").write_text(yaml.safe_dump(VALUES))
        cls.cluster.helm("4", "install", "headroom", chart.CHART, "--create-namespace", "--wait", "--timeout", "2m",
                         "--values", cls.folder / "values.yaml")

    @classmethod
    def write_festival(cls):
        """The sample's files in one, without the region of the standby, which has no cluster here."""
        objects = []
        for name in ("00-namespace", "10-workloads", "11-autoscalers", "12-database", "20-regions", "30-targets-mumbai",
                     "40-diwali-playbook"):
            objects += documents(SAMPLES / ERP / f"{name}.yaml", lambda one: one["metadata"]["name"] != "chennai")
        path = cls.folder / "festival.yaml"
        path.write_text(yaml.safe_dump_all(objects))
        return path

    @classmethod
    def sized(cls):
        """What people and tools have written in what is sized, by name."""
        return {one["metadata"]["name"]: (one["metadata"].get("annotations"), one["spec"]) for one in cls.cluster.items(
            "horizontalpodautoscalers,clusters.postgresql.cnpg.io", "--namespace", ERP)}

    def wait(self, what, condition, seconds=90):
        try:
            return self.cluster.until(what, condition, seconds)
        except TimeoutError as late:
            logs = "\n".join(f"--- {pod.name}\n{pod.text()[-3000:]}"
                             for pod in self.kubelet.pods("operator", "webhook"))
            raise AssertionError(f"{late}\n{self.states()}\n{logs}") from late

    # --- the festival ---

    def states(self):
        """Name → size of all that are known, at the start and after each change."""
        now, found = {}, []
        revisions = [one for history in self.histories for one in history.revisions()]
        for one in sorted(revisions, key=lambda one: one.at):
            if now.get(one.name) != one.seen:
                now[one.name] = one.seen
                found.append(dict(now))
        return found

    def sizes_now(self):
        return self.states()[-1]

    def planned(self):
        """All sizes by name, from when they are, as `headroom plan` says of the same files."""
        said = subprocess.run(
            [PROGRAMS["headroom"], "plan", "--filename", self.festival, "--from", CLOCK[0][0], "--to", END, "--output",
             "json"], capture_output=True, text=True, timeout=60, check=True).stdout
        plan = json.loads(said)
        now = {one["target"]["name"]: one["original"] for one in plan["targets"]}
        states = [(instant(CLOCK[0][0]), dict(now))]
        for begin, steps in itertools.groupby(sorted(plan["steps"], key=lambda step: step["from"]),
                                              key=lambda step: step["from"]):
            now |= {step["target"]["name"]: step["bounds"]["min"] for step in steps}
            if now != states[-1][1]:
                states.append((instant(begin), dict(now)))
        return states

    def leader(self):
        lease = self.cluster.get("lease", "headroom-operator", "--namespace", chart.NAMESPACE)
        holder = (lease or {}).get("spec", {}).get("holderIdentity", "")
        return next((pod for pod in self.kubelet.pods("operator") if holder.startswith(pod.name)), None)

    def test_a_festival_goes_as_planned_though_its_leader_is_killed(self):
        plan = self.planned()
        states = [state for _, state in plan]
        self.assertGreaterEqual(len(states), 10, states)
        first = self.wait("an operator to lead", self.leader)
        self.wait("the first phase", lambda: self.sizes_now() == states[1])
        standby = self.wait("the other to be there", lambda: next(
            (pod for pod in self.kubelet.pods("operator") if pod is not first), None))
        well_within = seconds_until("2026-11-04T20:30:00Z")
        self.wait("the other's calendar to be there, too", lambda: time.monotonic() > standby.started + well_within)
        first.end(signal.SIGKILL)
        self.wait("the other to lead", lambda: self.leader() is standby, 40)
        # Only now: the clock of the pod that takes its place begins anew.
        self.cluster.kubectl("delete", "pod", first.name, "--namespace", chart.NAMESPACE, "--wait=false")
        self.assertEqual(states[1], self.sizes_now(), "the other was to lead from the first phase on")

        self.wait("the end", lambda: self.sizes_now() == states[-1], 180)
        self.assertIs(standby, self.leader())
        self.look_at_sizes(plan)
        self.wait("everything to be as before", lambda: self.sized() == self.before)
        self.assertEqual([], self.audit.refused())

    def look_at_sizes(self, plan):
        seen = self.states()
        told = f"planned are {plan}, there were {seen}"
        # On a busy machine, an operator may be late for one of the hours in which the sizes fall.
        lasting = [state for (begin, state), (end, _) in itertools.pairwise(plan) if end - begin > LATE]
        self.assertGreaterEqual(len(lasting), 2, told)
        self.assertTrue(in_order([*lasting, plan[-1][1]], seen), told)
        self.assertGreaterEqual(sum(state in seen for _, state in plan), len(plan) * 2 / 3, told)
        for name in seen[-1]:
            sizes = without_repetitions(state[name] for _, state in plan)
            if name == DATABASE:  # one clone at a time
                sizes = [size for one, other in itertools.pairwise(sizes)
                         for size in range(one, other, 1 if other > one else -1)] + sizes[-1:]
            there_were = without_repetitions(state[name] for state in seen if name in state)
            self.assertTrue(in_order(there_were, sizes), f"{name}: {told}")

    # --- the limits ---

    def enforced(self, name):
        limit = self.cluster.get("scalelimit", name, "--namespace", STORE)
        return any(one["type"] == "Enforced" and one["status"] == "True"
                   and one.get("observedGeneration") == limit["metadata"]["generation"]
                   for one in limit.get("status", {}).get("conditions", []))

    def fill(self, stored, hard, webhooks, refusal):
        """Writers add to what is stored; while they do, one of the webhooks ends and leaves `webhooks`."""
        room = hard - stored

        def artifact(name):
            return {"apiVersion": "depository.example.com/v1", "kind": "Artifact",
                    "metadata": {"name": f"{name}-of-{hard}", "namespace": STORE},
                    "spec": {"sizeBytes": MEGABYTES * 1_000_000, "digest": "sha256:0"}}
        path = f"/apis/depository.example.com/v1/namespaces/{STORE}/artifacts"
        writers = Writers(self.cluster, path, WRITERS, artifact, PAUSE, 300)
        self.wait("a quarter of all", lambda: writers.created > room / 4)
        self.cluster.kubectl("scale", "deployment/headroom-webhook", f"--replicas={webhooks}", "--namespace",
                             chart.NAMESPACE)
        self.wait("a webhook to end", lambda: len(self.kubelet.pods("webhook")) == webhooks)
        self.assertLess(writers.created, room, "it was to end in the middle")
        writers.join()
        print(f"{writers.created} stored, {writers.repeated} asked to come back, by {WRITERS} writers", file=sys.stderr)
        self.assertEqual(room, writers.created)
        self.assertEqual(WRITERS, len(writers.refusals))
        for status, message, stored_then in writers.refusals:
            self.assertEqual(403, status, message)
            self.assertIn(refusal, message)
            self.assertEqual(hard, stored_then, "a write was refused that would have fitted")
        self.assertEqual(hard, writers.stored(self.api))

    def test_limits_are_exact_though_webhooks_end(self):
        for path in sorted((SAMPLES / STORE).glob("*.yaml")):
            objects = [scaled_down(one) if one["kind"] == "ScaleLimit" else one for one in documents(path)]
            self.cluster.kubectl("apply", "--server-side", "--filename", "-", text=yaml.safe_dump_all(objects))
        self.wait("three webhooks to run", lambda: len(self.kubelet.pods("webhook")) == 3)
        totals = ("artifact-count", "total-storage")
        self.wait("the limits to be enforced", lambda: all(self.enforced(name) for name in totals), 180)
        self.fill(0, STORED, 2, "ScaleLimit depository/total-storage: over storage: used 40G, asked 100M, hard 40G")
        self.cluster.kubectl("patch", "scalelimit", "total-storage", "--namespace", STORE, "--type=merge", "--patch",
                             json.dumps({"spec": {"total": {"sums": [
                                 {"name": "storage", "path": ".spec.sizeBytes", "hard": "1000G"}]}}}))
        self.wait("the larger store", lambda: self.enforced("total-storage"))
        self.fill(STORED, COUNT, 1,
                  f"ScaleLimit depository/artifact-count: over count: used {COUNT}, asked 1, hard {COUNT}")
        self.assertEqual([], self.audit.refused())


if __name__ == "__main__":
    pods.in_private_network()
    for program in sys.argv[1:4]:
        PROGRAMS[pathlib.PurePath(program).name] = program
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
