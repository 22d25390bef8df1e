#!/usr/bin/env python3
"""A release is upgraded, rolled back and uninstalled in the middle of a festival, while clients write what a limit
bounds: the chart's own pods, replaced as a Deployment does it and reached through their Service.

Usage: upgrade_test.py HEADROOM_OPERATOR HEADROOM_WEBHOOK HEADROOM [unittest arguments]
"""
import pathlib
import sys
import tempfile
import time
import unittest

import yaml

import api
import chart
import older_chart
import pods
from cluster import Cluster
from history import History
from kubelet import CLUSTER_FLAGS, Kubelet, not_played
from steady_clients import GreedyWriter, SteadyWriter
from upgrade_scene import (ANNEX, AT_REST, BUSY, FULL, HARD, IN_PHASE, PLENTY, festival, limit, most_between,
                           ready_addresses, stored_over_time)

HELM = "4"
PROGRAMS = {}
WEBHOOKS, OPERATORS = 3, 2
VALUES = {
    "operator": not_played(),
    "webhook": {**not_played(), "limitedResources": [{"apiGroups": [""], "resources": ["configmaps"]}]}}
STEADY, GREEDY, WRITES_PER_SECOND = 3, 2, 20
WANTED = 35  # of each greedy writer
DEPLOYMENTS, AUTOSCALERS = "/apis/apps/v1/deployments", "/apis/autoscaling/v2/horizontalpodautoscalers"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{chart.NAMESPACE}/leases"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{chart.NAMESPACE}/endpointslices"
HEADROOM = "/apis/headroom.dev/v1alpha1"
# Between an answer and the watch's event of the same write.
LAG_SECONDS = 2


class Upgrade(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="headroom-upgrade-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.values = cls.folder / "values.yaml"
        cls.values.write_text(yaml.safe_dump(VALUES))
        cls.older = older_chart.make(cls.folder)
        cls.cluster = Cluster("upgrade", *pods.APISERVER_FLAGS, foreign=(), flags=CLUSTER_FLAGS)
        cls.addClassCleanup(cls.cluster.down)
        cls.api = api.Api(cls.cluster)
        cls.kubelet = Kubelet(cls.cluster, PROGRAMS)
        cls.addClassCleanup(cls.kubelet.stop)

    def wait(self, what, condition, seconds=120):
        try:
            return self.cluster.until(what, condition, seconds)
        except TimeoutError as late:
            raise AssertionError(f"{late}\n{self.kubelet.text('operator')[-5000:]}\n"
                                 f"{self.kubelet.text('webhook')[-5000:]}") from late

    def helm(self, command, *arguments):
        """Waits for pods, and fails with what they and those of hooks have said."""
        try:
            return self.cluster.helm(HELM, command, *arguments, "--timeout", "4m",
                                     *(() if command == "test" else ("--wait",)))
        except chart.Refused as refused:
            self.kubelet.ready("webhook")  # may say more
            said = "\n".join(self.kubelet.text(one)[-5000:] for one in ("uninstall", "test", "operator", "webhook"))
            raise AssertionError(f"{refused}\n{said}") from refused

    def history(self, path, of_interest):
        found = History(api.Api(self.cluster), path, of_interest)
        self.addCleanup(found.stop)
        return found

    def test_a_release_is_replaced_and_removed_in_the_middle_of_a_festival(self):
        self.install_older()
        self.begin_to_write()
        self.upgrade_and_roll_back()
        self.nothing_was_disturbed()
        self.uninstall_and_keep_sizes()
        self.install_again_and_put_sizes_back()

    def install_older(self):
        self.helm("install", "headroom", self.older, "--create-namespace", "--values", self.values)
        self.runs(older_chart.VERSION)
        for namespace in (BUSY, FULL, ANNEX):
            self.cluster.kubectl("create", "namespace", namespace)
        objects = [*festival(BUSY), *festival(ANNEX), limit(BUSY, PLENTY), limit(FULL, HARD)]
        self.cluster.kubectl("apply", "--filename", "-", text=yaml.safe_dump_all(objects))
        for namespace in (BUSY, ANNEX):
            self.sizes_are(namespace, IN_PHASE)
        for namespace in (BUSY, FULL):
            self.wait(f"the limit of {namespace} to be enforced", lambda namespace=namespace: self.enforced(namespace))

    def begin_to_write(self):
        self.stored = {namespace: self.history(f"/api/v1/namespaces/{namespace}/configmaps", lambda item: None)
                       for namespace in (BUSY, FULL)}
        self.sizes = [self.history(DEPLOYMENTS, lambda item: item["spec"]["replicas"]),
                      self.history(AUTOSCALERS, lambda item: item["spec"]["minReplicas"])]
        self.slices = self.history(SLICES, ready_addresses)
        self.writers = [SteadyWriter(self.cluster, BUSY, number, WRITES_PER_SECOND) for number in range(STEADY)]
        self.writers += [GreedyWriter(WANTED, self.cluster, FULL, number, WRITES_PER_SECOND)
                         for number in range(GREEDY)]
        for one in self.writers:
            self.addCleanup(one.stop)
        self.wait("the limit to be full", lambda: any(one.refusals for one in self.writers))
        self.addresses = len(self.slices.revisions())

    def upgrade_and_roll_back(self):
        for command, version in ((("upgrade", "headroom", chart.CHART, "--values", self.values), self.present()),
                                 (("rollback", "headroom", "1"), older_chart.VERSION)):
            with self.subTest(command[0]):
                writes = self.writes()
                self.helm(*command)
                self.runs(version)
                self.assertEqual(version != older_chart.VERSION, "Percent" in self.columns("scalelimits"))
                self.assertEqual(version != older_chart.VERSION, "--workers=16" in self.operator_arguments())
                self.helm("test", "headroom")
                self.assertGreater(self.writes(), writes + 100, "clients have written meanwhile")

    def nothing_was_disturbed(self):
        failures = [failure for one in self.writers for failure in one.failures]
        self.assertEqual([], failures[:20], f"{len(failures)} of {self.writes()} writes failed")
        refused = [refusal for one in self.writers for refusal in one.refusals]
        waits, slowest = sum(one.waits for one in self.writers), max(one.slowest for one in self.writers)
        print(f"{self.writes()} writes, {len(refused)} refused, {waits} told to wait, the slowest took {slowest:.1f} s")
        self.assertLessEqual(waits, self.writes() / 100)
        self.assertEqual([], [one for writer in self.writers[:STEADY] for one in writer.refusals])
        counts = stored_over_time(self.stored[FULL].revisions())
        self.assertEqual(HARD, max(count for _, count in counts), "full, and never above")
        for refusal in refused:
            self.assertIn("settings", refusal.message)
            # What others had under way at that moment counts, too.
            most = most_between(counts, refusal.sent - LAG_SECONDS, refusal.answered + LAG_SECONDS)
            self.assertGreaterEqual(most, HARD - GREEDY + 1, refusal)
        self.nothing_was_resized()
        ready = [one.seen for one in self.slices.revisions()[self.addresses:] if one.seen is not None]
        self.assertGreater(len(ready), 2 * WEBHOOKS, "webhooks were replaced")
        self.assertGreaterEqual(min(ready), WEBHOOKS)

    def nothing_was_resized(self):
        for sizes, name in zip(self.sizes, ("web", "api")):
            for namespace in (BUSY, ANNEX):
                with self.subTest(f"{namespace}/{name}"):
                    self.assertEqual([IN_PHASE], [one.seen for one in sizes.changes(namespace, name)])

    def uninstall_and_keep_sizes(self):
        writes = self.writes()
        self.helm("uninstall", "headroom")
        self.nothing_blocks()
        self.wait("clients to have written for some time without it", lambda: self.writes() > writes + 500)
        failures = [failure for one in self.writers for failure in one.failures]
        self.assertEqual([], failures[:20], f"{len(failures)} writes failed")
        self.assertEqual([], [one["metadata"]["name"] for one in self.api.get(LEASES)["items"]],
                         "webhooks that drain make none anew")
        self.nothing_was_resized()
        self.assertEqual({"web", "api"}, {one["metadata"]["name"] for one in self.headroom_objects(
            BUSY, "scaletargets")}, "definitions and what is of their kinds stay")
        self.namespace_goes(ANNEX)

    def install_again_and_put_sizes_back(self):
        self.helm("install", "headroom", chart.CHART, "--values", self.values, "--set", "uninstall.sizes=Restore")
        self.wait("targets to be in its hands again", lambda: all(
            one["metadata"].get("finalizers") for one in self.headroom_objects(BUSY, "scaletargets")))
        self.sizes_are(BUSY, IN_PHASE)
        self.limit_holds_again()
        self.helm("uninstall", "headroom")
        self.sizes_are(BUSY, AT_REST)
        for sizes, name in zip(self.sizes, ("web", "api")):
            self.assertEqual([IN_PHASE, AT_REST], [one.seen for one in sizes.changes(BUSY, name)], name)
        self.nothing_blocks()
        for one in self.writers:
            one.stop()
        failures = [failure for one in self.writers for failure in one.failures]
        self.assertEqual([], failures[:20], f"{len(failures)} writes failed")
        for namespace in (BUSY, FULL):
            self.namespace_goes(namespace)

    def limit_holds_again(self):
        """No more comes until what clients have created without it has made room."""
        begun = time.time()
        self.wait("the limit to be enforced again", lambda: self.enforced(FULL) and any(
            refusal.sent > begun for one in self.writers for refusal in one.refusals))
        since, writes = time.time() + LAG_SECONDS, self.writes()

        def counts():
            return stored_over_time(self.stored[FULL].revisions())
        self.assertGreater(max(count for _, count in counts()), HARD, "clients have used the time without a limit")
        self.wait("clients to have deleted some", lambda: counts()[-1][1] <= HARD and self.writes() > writes + 500)
        later = [count for at, count in counts() if at > since]
        self.assertEqual([], [count for before, count in zip(later, later[1:]) if count > before >= HARD])

    def writes(self):
        return sum(one.writes for one in self.writers)

    @staticmethod
    def present():
        return chart.load(chart.CHART / "Chart.yaml")["version"]

    def runs(self, version):
        """Waits until all pods are of that version, and ready."""
        def all_are():
            for component, count in (("webhook", WEBHOOKS), ("operator", OPERATORS)):
                found = self.cluster.items("pods", "--namespace", chart.NAMESPACE, "--selector",
                                           f"app.kubernetes.io/component={component}")
                found = [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
                images = {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in found}
                if images != {version} or len(found) != count or self.kubelet.ready(component) != count:
                    return False
            return True
        self.wait(f"pods of {version}", all_are)

    def enforced(self, namespace):
        found = self.api.get(f"{HEADROOM}/namespaces/{namespace}/scalelimits/settings").get("status", {})
        return any(one["type"] == "Enforced" and one["status"] == "True" for one in found.get("conditions", []))

    def sizes_are(self, namespace, size):
        self.wait(f"sizes of {namespace} to be {size}", lambda: (
            self.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/web")["spec"]["replicas"] == size and
            self.api.get(f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/api"
                         )["spec"]["minReplicas"] == size))

    def columns(self, plural):
        found = self.cluster.get("crd", f"{plural}.headroom.dev")
        return [one["name"] for one in found["spec"]["versions"][0]["additionalPrinterColumns"]]

    def operator_arguments(self):
        found = self.cluster.get("deployment", "headroom-operator", "--namespace", chart.NAMESPACE)
        return found["spec"]["template"]["spec"]["containers"][0]["args"]

    def headroom_objects(self, namespace, plural):
        return self.api.get(f"{HEADROOM}/namespaces/{namespace}/{plural}")["items"]

    def nothing_blocks(self):
        """What an uninstall leaves is in nobody's way."""
        self.assertEqual([], [one["metadata"]["name"] for one in self.cluster.items("validatingwebhookconfigurations")])
        held = [one["metadata"]["name"] for plural in ("scaletargets", "festivalschedules")
                for one in self.api.get(f"{HEADROOM}/{plural}")["items"] if one["metadata"].get("finalizers")]
        self.assertEqual([], held)
        self.assertIn("removed ValidatingWebhookConfiguration", self.kubelet.text("uninstall"), "the hook's pod ran")

    def namespace_goes(self, namespace):
        self.cluster.kubectl("delete", "namespace", namespace, "--timeout", "60s")


if __name__ == "__main__":
    pods.in_private_network()
    for program in sys.argv[1:4]:
        PROGRAMS[pathlib.PurePath(program).name] = program
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
