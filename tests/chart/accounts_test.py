#!/usr/bin/env python3
"""The chart's own pods at work: under its ServiceAccounts, with its arguments, reached through its own Service. What
they ask of the API server is allowed, and what they are allowed is asked for.

Usage: accounts_test.py HEADROOM_OPERATOR HEADROOM_WEBHOOK [unittest arguments]
"""
import collections
import datetime
import pathlib
import ssl
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

import yaml

import chart
import pods
from audit import Audit
from cluster import Cluster
from kubelet import CLUSTER_FLAGS, Kubelet

PROGRAMS = {}
VALUES = {
    "keda": {"enabled": True},
    # No write of this test is under way for long.
    "webhook": {"requestDeadlineSeconds": 10, "leaseSeconds": 5, "drain": {"delaySeconds": 1, "seconds": 5}},
    "operator": {"receivers": [{"name": "nobody", "type": "Webhook", "urls": ["http://127.0.0.1:9"]}]}}
SHOP = "shop"
CPU = {"type": "Resource",
       "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}
# Rights that this test need not use, each group with its reason.
UNUSED = {
    "headroom-webhook": {
        # Limits over namespaces are as those of one, which are used.
        "get clusterscalelimits", "patch clusterscalelimits/status",
        # A limit with switches; a limit over a kind that has a definition.
        "list configmaps", "watch configmaps", "get customresourcedefinitions",
        # Server-side apply asks for it beside patch; entries that somebody else has changed.
        "create validatingwebhookconfigurations", "update validatingwebhookconfigurations",
        # An Event that repeats itself; a certificate's renewal.
        "patch events", "patch secrets",
    },
    "headroom-operator": {
        # Kinds of workloads that are as Deployments and StatefulSets, and engines that are as those used.
        "list replicasets", "watch replicasets", "patch replicasets", "patch replicasets/scale",
        "list replicationcontrollers", "watch replicationcontrollers", "patch replicationcontrollers",
        "patch replicationcontrollers/scale", "patch deployments", "patch deployments/scale", "patch scaledobjects",
        "get customresourcedefinitions",
        # A calendar in a ConfigMap; a Region that chooses namespaces by label; an Event that repeats itself.
        "watch configmaps", "list namespaces", "watch namespaces", "patch events",
        # What is behind limits on fields, and the right to make policies with these as parameters.
        *(f"{verb} validatingadmissionpolic{end}" for verb in ("create", "patch", "update", "delete")
          for end in ("ies", "ybindings")),
        "get scalelimits", "get clusterscalelimits", "patch scalelimits/status", "patch clusterscalelimits/status",
    },
}


def manifest(*objects):
    return yaml.safe_dump_all(objects)


def headroom(kind, name, spec, namespace=SHOP):
    meta = {"name": name}
    if namespace:
        meta["namespace"] = namespace
    return {"apiVersion": "headroom.dev/v1alpha1", "kind": kind, "metadata": meta, "spec": spec}


def workload(kind, name):
    labels = {"app": name}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": {
        "metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "c"}]}}}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": SHOP}, "spec": spec}


def scrape(pod, token):
    """Status and text of a pod's metrics, whose certificate is made by itself."""
    request = urllib.request.Request(f"https://{pod.address}:8081/metrics", headers={"Authorization": f"Bearer {token}"})
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


class Accounts(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="headroom-accounts-")
        cls.addClassCleanup(cls.folder.cleanup)
        folder = pathlib.Path(cls.folder.name)
        cls.audit = Audit(folder)
        (folder / "values.yaml").write_text(yaml.safe_dump(VALUES))
        cls.cluster = Cluster("accounts", *pods.APISERVER_FLAGS, *cls.audit.flags, flags=CLUSTER_FLAGS)
        cls.addClassCleanup(cls.cluster.down)
        cls.kubelet = Kubelet(cls.cluster, PROGRAMS)
        cls.addClassCleanup(cls.kubelet.stop)
        cls.cluster.helm("4", "install", "headroom", chart.CHART, "--create-namespace", "--wait", "--timeout", "2m",
                         "--values", folder / "values.yaml")

    def wait(self, what, condition, seconds=90):
        try:
            return self.cluster.until(what, condition, seconds)
        except TimeoutError as late:
            logs = "\n".join(f"--- {pod.name}\n{pod.text()[-3000:]}"
                             for pod in self.kubelet.pods("operator", "webhook"))
            raise AssertionError(f"{late}\n{logs}") from late

    def test_they_work_with_the_charts_rights_and_need_them(self):
        self.webhook_answers()
        self.sizes_are_moved_and_put_back()
        self.limits_hold()
        self.metrics_are_for_those_who_may_read_them()
        self.assertEqual([], self.audit.refused())
        for account, expected in UNUSED.items():
            with self.subTest(account):
                self.assertEqual(set(), self.unused(account) - expected)

    def webhook_answers(self):
        self.wait("three webhooks and two operators to run", lambda: (
            len(self.kubelet.pods("webhook")) == 3 and len(self.kubelet.pods("operator")) == 2))
        self.cluster.kubectl("create", "namespace", SHOP)
        follower = headroom("ScaleTarget", "follower", {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "follower"},
            "engine": {"type": "Scale"}, "replicas": {"max": 3}, "follow": {"target": "nobody"}})

        def warns():
            _, words = self.cluster.kubectl("apply", "--dry-run=server", "--filename", "-", text=manifest(follower),
                                            check=False)
            return "there is no ScaleTarget nobody" in words
        self.wait("the webhook to warn of a missing leader, through its Service", warns)

    def sizes_are_moved_and_put_back(self):
        objects = [workload("Deployment", "web"), workload("StatefulSet", "store"), workload("Deployment", "jobs")]
        objects += [
            {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
             "metadata": {"name": "web", "namespace": SHOP},
             "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                      "minReplicas": 2, "maxReplicas": 20}},
            headroom("Region", "local", {"cluster": {"type": "Local"}, "parameters": {"tier": "gold"},
                                         "parameterNamespaces": [SHOP]}, namespace=None)]
        for name, kind, engine in (("web", "Deployment", {"type": "HorizontalPodAutoscaler"}),
                                   ("store", "StatefulSet", {"type": "Scale"}),
                                   ("jobs", "Deployment", {
                                       "type": "HorizontalPodAutoscaler",
                                       "horizontalPodAutoscaler": {"metrics": [CPU]}})):
            objects.append(headroom("ScaleTarget", name, {
                "targetRef": {"apiVersion": "apps/v1", "kind": kind, "name": name}, "engine": engine,
                "replicas": {"min": 2, "max": 20, "baseline": 2}}))
        objects.append(headroom("FestivalSchedule", "today", {
            "timeZone": "Asia/Kolkata", "occurrences": [{"name": "now", "day": datetime.date.today().isoformat()}],
            "phases": [{"name": "all", "from": "-P2D", "to": "P3D", "targets": {"names": ["web", "store", "jobs"]},
                        "multiplier": "3",
                        "switches": [{"configMap": "switches", "key": "festival", "value": "on"}]}]}))
        self.cluster.kubectl("apply", "--filename", "-", text=manifest(*objects))
        get = lambda *what: self.cluster.get(*what, "--namespace", SHOP)
        self.wait("the autoscaler to be raised", lambda: get("hpa", "web")["spec"]["minReplicas"] == 6)
        self.wait("the StatefulSet to be raised", lambda: get("statefulset", "store")["spec"]["replicas"] == 6)
        self.wait("an autoscaler to be made", lambda: get("hpa", "jobs"))
        self.wait("the switch to be on", lambda: (get("configmap", "switches") or {}).get("data") == {"festival": "on"})
        self.wait("parameters of the region", lambda: get("configmap", "headroom-region"))
        looked_at = {f"list {kind}" for kind in ("nodes", "pods", "resourcequotas")}
        self.wait("a look at what could stand in the way", lambda: not looked_at & self.unused("headroom-operator"), 180)
        self.wait("Events", lambda: any("headroom" in one.get("reportingController", "") for one in self.cluster.items(
            "events.events.k8s.io", "--namespace", SHOP)))
        self.cluster.kubectl("delete", "festivalschedules,scaletargets", "--all", "--namespace", SHOP)
        self.wait("the autoscaler to be put back", lambda: get("hpa", "web")["spec"]["minReplicas"] == 2)
        self.wait("the StatefulSet to be put back", lambda: get("statefulset", "store")["spec"]["replicas"] == 2)
        self.wait("what was made to be gone", lambda: not get("hpa", "jobs") and not get("configmap", "switches"))

    def limits_hold(self):
        limit = headroom("ScaleLimit", "settings", {
            "match": {"resources": [{"group": "apps", "version": "v1", "resource": "deployments",
                                     "subresources": ["scale"]}]},
            "total": {"count": 3}})
        self.cluster.kubectl("apply", "--filename", "-", text=manifest(limit))
        self.wait("the limit to be enforced", lambda: any(
            one["type"] == "Enforced" and one["status"] == "True" for one in self.cluster.get(
                "scalelimit", "settings", "--namespace", SHOP).get("status", {}).get("conditions", [])), 180)
        self.cluster.kubectl("apply", "--filename", "-", text=manifest(workload("Deployment", "third")))
        with self.assertRaisesRegex(chart.Refused, "settings"):
            self.cluster.kubectl("apply", "--filename", "-", text=manifest(workload("Deployment", "fourth")))
        # One that ends gives its Lease back.
        self.cluster.kubectl("scale", "deployment/headroom-webhook", "--replicas", "2", "--namespace",
                             chart.NAMESPACE)
        self.wait("a webhook to end", lambda: len(self.cluster.items(
            "leases.coordination.k8s.io", "--namespace", chart.NAMESPACE, "--selector",
            "headroom.dev/component=webhook")) == 2)
        self.cluster.kubectl("delete", "scalelimit", "settings", "--namespace", SHOP)
        self.wait("the limit's ledger to be gone", lambda: not self.cluster.items(
            "limitledgers", "--namespace", chart.NAMESPACE), 180)

    def metrics_are_for_those_who_may_read_them(self):
        self.cluster.kubectl("create", "serviceaccount", "prometheus", "--namespace", SHOP)
        token, _ = self.cluster.kubectl("create", "token", "prometheus", "--namespace", SHOP)
        everyone = self.kubelet.pods("operator", "webhook")
        for pod in everyone:
            self.assertEqual(403, scrape(pod, token.strip())[0], pod.name)
        self.cluster.kubectl("create", "clusterrolebinding", "prometheus-reads-headroom",
                             "--clusterrole=headroom-metrics-reader", f"--serviceaccount={SHOP}:prometheus")
        for pod in everyone:
            # A no is remembered for a while.
            self.wait(f"metrics of {pod.name}", lambda pod=pod: scrape(pod, token.strip())[0] == 200)
            self.assertIn("headroom_build_info", scrape(pod, token.strip())[1])

    def unused(self, account):
        used = collections.defaultdict(set)
        for who, event in self.audit.requests():
            thing = event.get("objectRef", {})
            if who == account and "resource" in thing:
                resource = "/".join(filter(None, (thing["resource"], thing.get("subresource"))))
                used[(thing.get("apiGroup", ""), resource)].add(event["verb"])
        unused = set()
        for role in chart.of_kind(chart.render("4", "--values", f"{self.folder.name}/values.yaml"), "Role",
                                  "ClusterRole"):
            if not role["metadata"]["name"].startswith(account) or "limited" in role["metadata"]["name"]:
                continue
            for rule in role["rules"]:
                for group in rule["apiGroups"]:
                    for resource in rule["resources"]:
                        unused |= {f"{verb} {resource}" for verb in set(rule["verbs"]) - used[(group, resource)]}
        return unused


if __name__ == "__main__":
    pods.in_private_network()
    for program in sys.argv[1:3]:
        PROGRAMS[pathlib.PurePath(program).name] = program
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
