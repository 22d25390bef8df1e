#!/usr/bin/env python3
"""The chart on a real API server: each option in a dry run, then installed, upgraded, rolled back and uninstalled by
both versions of Helm. Nodes and pods are played, so no program of ours runs.

Usage: install_test.py [unittest arguments]
"""
import unittest

import chart
from cluster import Cluster

KINDS_THAT_STAY = {"CustomResourceDefinition"}


class Installation(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster("chart")
        cls.addClassCleanup(cls.cluster.down)
        # As strict as a namespace can be: bare pods are refused, and templates of pods are warned of.
        standard = "\n".join(f"    pod-security.kubernetes.io/{mode}: restricted" for mode in ("enforce", "warn"))
        cls.cluster.kubectl("apply", "--filename", "-", text="apiVersion: v1\nkind: Namespace\nmetadata:\n"
                            f"  name: {chart.NAMESPACE}\n  labels:\n{standard}\n")

    def objects_left(self, objects):
        """Those of the rendered ones that are there."""
        kinds = {(each["kind"], each["apiVersion"].rpartition("/")[0]) for each in objects}
        left = []
        for kind, group in kinds:
            left += self.cluster.items(f"{kind}.{group}" if group else kind, "--all-namespaces", "--selector",
                                       "app.kubernetes.io/instance=headroom")
        return {chart.name_of(each) for each in left}

    def test_each_option_is_accepted_by_the_api_server(self):
        known_accounts = set()
        for name, path in chart.values_files().items():
            with self.subTest(name):
                # The definitions are large, and the same in all but these.
                bare = () if "crds" in chart.load(path) or name == "default" else ("--set", "crds.enabled=false")
                text = chart.template("4", "--values", path, *bare)
                objects = chart.load_all(text)
                # A bare pod is refused where its account is not there, which a dry run does not make.
                for pod in chart.of_kind(objects, "Pod"):
                    account = pod["spec"]["serviceAccountName"]
                    if account not in known_accounts:
                        known_accounts.add(account)
                        self.cluster.kubectl("create", "serviceaccount", account, "--namespace", chart.NAMESPACE)
                        self.addCleanup(self.cluster.kubectl, "delete", "serviceaccount", account, "--namespace",
                                        chart.NAMESPACE)
                said, warnings = self.cluster.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict",
                                                      "--force-conflicts", "--filename", "-", text=text)
                self.assertNotIn("Warning", warnings)
                self.assertEqual(len(objects), len(said.splitlines()), said)

    def test_the_manifest_for_kubectl_is_accepted_as_a_whole(self):
        manifest = chart.ROOT / "manifests" / "install.yaml"
        said, _ = self.cluster.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict",
                                       "--force-conflicts", "--filename", manifest)
        self.assertEqual(len(chart.load_all(manifest.read_text(encoding="utf-8"))), len(said.splitlines()), said)

    def test_a_release_comes_changes_goes_back_and_leaves_nothing_but_definitions(self):
        for version in chart.HELM_VERSIONS:
            with self.subTest(f"Helm {version}"):
                self.one_life(version)

    def one_life(self, version):
        cluster = self.cluster
        notes = cluster.helm(version, "install", "headroom", chart.CHART, "--wait", "--timeout", "2m")
        for words in ("rollout status deployment/headroom-operator", "helm test headroom", "kubectl get headroom",
                      "keda.enabled"):
            self.assertIn(words, notes)
        rendered = [each for each in chart.render(version)
                    if "helm.sh/hook" not in each["metadata"].get("annotations", {})]
        self.assertEqual({chart.name_of(each) for each in rendered}, self.objects_left(rendered))
        self.look_at_rights()

        cluster.kubectl("apply", "--filename", "-", text="apiVersion: headroom.dev/v1alpha1\nkind: Region\n"
                        "metadata: {name: east}\nspec: {cluster: {type: Local}}\n")
        cluster.helm(version, "upgrade", "headroom", chart.CHART, "--wait", "--timeout", "2m", "--set",
                     "webhook.replicas=4,operator.watchNamespace=default,keda.enabled=true")
        self.assertEqual(4, self.webhook()["spec"]["replicas"])
        self.assertIsNotNone(cluster.get("role", "headroom-operator-writes", "--namespace", "default"))
        self.assertIsNone(cluster.get("clusterrole", "headroom-operator-writes"))

        cluster.helm(version, "rollback", "headroom", "1", "--wait", "--timeout", "2m")
        self.assertEqual(3, self.webhook()["spec"]["replicas"])
        self.assertIsNotNone(cluster.get("clusterrole", "headroom-operator-writes"))
        self.assertIsNone(cluster.get("role", "headroom-operator-writes", "--namespace", "default"))

        cluster.helm(version, "uninstall", "headroom", "--wait", "--timeout", "2m")
        stay = {chart.name_of(each) for each in rendered if each["kind"] in KINDS_THAT_STAY}
        self.assertEqual(stay, self.objects_left(rendered))
        self.assertIsNotNone(cluster.get("region.headroom.dev", "east"), "objects stay with their definitions")

    def webhook(self):
        return self.cluster.get("deployment", "headroom-webhook", "--namespace", chart.NAMESPACE)

    def look_at_rights(self):
        cluster = self.cluster
        # What limits may select comes through an aggregated role, which its controller fills.
        cluster.until("the webhook's right to list deployments",
                      lambda: cluster.may("headroom-webhook", "list", "deployments.apps"))
        for account, verb, resource, namespace, name, expected in (
                ("headroom-operator", "patch", "horizontalpodautoscalers.autoscaling", None, None, True),
                ("headroom-operator", "patch", "scaledobjects.keda.sh", None, None, False),
                ("headroom-operator", "get", "secrets", "default", None, False),
                ("headroom-operator", "patch", "leases.coordination.k8s.io", chart.NAMESPACE, "headroom-operator", True),
                ("headroom-operator", "patch", "leases.coordination.k8s.io", chart.NAMESPACE, "another", False),
                ("headroom-operator", "patch", "limitledgers.headroom.dev", chart.NAMESPACE, None, False),
                ("headroom-webhook", "patch", "deployments.apps", None, None, False),
                ("headroom-webhook", "get", "secrets", chart.NAMESPACE, "headroom-webhook-certificate", True),
                ("headroom-webhook", "get", "secrets", chart.NAMESPACE, "another", False),
                ("headroom-webhook", "patch", "limitledgers.headroom.dev", "default", None, False)):
            with self.subTest(f"{account} {verb} {resource} {namespace} {name}"):
                self.assertEqual(expected, cluster.may(account, verb, resource, namespace, name))
        # The cluster's own roles know Headroom's kinds.
        for role, verb, resource, expected in (
                ("view", "get", "scaletargets", True), ("view", "patch", "scaletargets", False),
                ("edit", "patch", "scaletargets", True), ("edit", "patch", "scalelimits", False),
                ("admin", "patch", "scalelimits", True), ("admin", "get", "limitledgers", False),
                ("admin", "patch", "regions", False)):
            with self.subTest(f"{role} {verb} {resource}"):
                def granted(role=role, verb=verb, resource=resource):
                    rules = self.cluster.get("clusterrole", role)["rules"]
                    return any(verb in rule["verbs"] and resource in rule.get("resources", [])
                               and "headroom.dev" in rule.get("apiGroups", []) for rule in rules)
                if expected:
                    cluster.until(f"{role} may {verb} {resource}", granted)
                else:
                    self.assertFalse(granted())


if __name__ == "__main__":
    unittest.main()
