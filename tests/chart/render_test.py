#!/usr/bin/env python3
"""What the chart renders, without a cluster: with each option, by both versions of Helm.

Usage: render_test.py HEADROOM_OPERATOR HEADROOM_WEBHOOK [unittest arguments]
"""
import collections
import copy
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import yaml

import chart

PROGRAMS = {}
FOREIGN_GROUPS = {"cert-manager.io", "monitoring.coreos.com"}
# Groups that every cluster serves, and Headroom's own.
KNOWN_GROUPS = {"", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apps", "authentication.k8s.io",
                "authorization.k8s.io", "autoscaling", "batch", "coordination.k8s.io", "discovery.k8s.io",
                "events.k8s.io", "headroom.dev", "rbac.authorization.k8s.io"}
# Wrong values, and where the schema's words have to point.
WRONG_VALUES = [
    ("operator.replicas=0", "/operator/replicas"),
    ("operator.replica=2", "replica"),
    ("operator.watchNamespace=Shop", "/operator/watchNamespace"),
    ("operator.leaseSeconds=1", "/operator/leaseSeconds"),
    ("operator.log.level=loud", "/operator/log/level"),
    ("operator.receivers[0].name=a,operator.receivers[0].type=Pager,operator.receivers[0].urls[0]=http://a",
     "/operator/receivers/0/type"),
    ("operator.receivers[0].name=a,operator.receivers[0].type=Webhook", "urls"),
    ("operator.allowedFields[0].group=g,operator.allowedFields[0].resource=r,operator.allowedFields[0].path=status",
     "/operator/allowedFields/0/path"),
    ("webhook.certificates.mode=Own", "/webhook/certificates/mode"),
    ("webhook.certificates.certManager.duration=long", "/webhook/certificates/certManager/duration"),
    ("webhook.failurePolicy=Maybe", "/webhook/failurePolicy"),
    ("webhook.limitedResources[0].apiGroups[0]=*,webhook.limitedResources[0].resources[0]=pods",
     "/webhook/limitedResources/0/apiGroups/0"),
    ("webhook.podDisruptionBudget.maxUnavailable=half", "/webhook/podDisruptionBudget/maxUnavailable"),
    ("image.digest=sha256:short", "/image/digest"),
    ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
    ("uninstall.sizes=Zero", "/uninstall/sizes"),
    ("prometheusRule.groups.festival=true", "festival"),
    ("crds.keep=maybe", "/crds/keep"),
    ("unheardOf=1", "unheardOf"),
]
# What the schema cannot say alone, and the words of the templates.
WRONG_TOGETHER = [
    ("webhook.certificates.mode=Given", "webhook.certificates.secretName: needed with mode Given"),
    ("webhook.serviceAccount.create=false", "webhook.serviceAccount.name: needed where create is false"),
    ("operator.serviceAccount.create=false", "operator.serviceAccount.name: needed where create is false"),
    ("webhook.drain.seconds=130", "webhook.drain.seconds: must be less than webhook.terminationGracePeriodSeconds"),
]


def leaves(values, path=()):
    """Paths of the values that are set, lists as a whole."""
    if isinstance(values, dict) and values:
        for name, value in values.items():
            yield from leaves(value, path + (name,))
    else:
        yield path


def without(values, path):
    changed = copy.deepcopy(values)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return changed


def rules_of(objects):
    for role in chart.of_kind(objects, "Role", "ClusterRole"):
        for rule in role.get("rules") or []:
            yield chart.name_of(role), rule


class Chart(unittest.TestCase):
    maxDiff = None

    def test_what_is_made_from_the_chart_or_copied_into_it_is_up_to_date(self):
        chart.hack("chart", "check")

    def test_both_versions_of_helm_accept_each_option_and_render_the_same(self):
        for name, path in chart.values_files().items():
            with self.subTest(name):
                for version in chart.HELM_VERSIONS:
                    chart.helm(version, "lint", "--strict", "--quiet", chart.CHART, "--values", path)
                by_version = [{chart.name_of(each): each for each in chart.render_file(version, path)}
                              for version in chart.HELM_VERSIONS]
                self.assertEqual(by_version[0], by_version[1])

    def test_wrong_values_are_refused_by_name(self):
        for version in chart.HELM_VERSIONS:
            for value, where in WRONG_VALUES:
                with self.subTest(f"Helm {version}: {value}"):
                    with self.assertRaises(chart.Refused) as caught:
                        chart.template(version, "--set", value)
                    words = str(caught.exception)
                    self.assertIn("values don't meet the specifications of the schema", words)
                    # The older one writes a path with dots.
                    self.assertTrue(where in words or where.strip("/").replace("/", ".") in words, words)
            for value, words in WRONG_TOGETHER:
                with self.subTest(f"Helm {version}: {value}"):
                    with self.assertRaisesRegex(chart.Refused, words):
                        chart.template(version, "--set", value)

    def test_each_value_is_described_and_nothing_else_is_accepted(self):
        def look(schema, path):
            self.assertTrue(schema.get("description", "").endswith("."), f"{path}: has no description")
            if schema.get("type") == "object":
                self.assertIn("additionalProperties", schema, path)
                if "properties" in schema:
                    self.assertIs(schema["additionalProperties"], False, path)
            for name, inner in schema.get("properties", {}).items():
                look(inner, f"{path}.{name}")
            items = schema.get("items", {})
            if "properties" in items:
                look(items, f"{path}[]")

        look(chart.schema(), "values")

    def test_each_value_is_set_by_some_file_and_each_that_is_set_matters(self):
        defaults = chart.load(chart.CHART / "values.yaml")
        unset = set(leaves(defaults))
        for name, path in chart.values_files().items():
            values = chart.load(path)
            whole = chart.template("4", "--values", path) if values else None
            for leaf in leaves(values):
                if not leaf:
                    continue
                unset = {one for one in unset if one[:len(leaf)] != leaf and leaf[:len(one)] != one}
                with self.subTest(f"{name}: {'.'.join(leaf)}"), tempfile.NamedTemporaryFile("w") as less:
                    yaml.safe_dump(without(values, leaf), less)
                    less.flush()
                    try:
                        rest = chart.template("4", "--values", less.name)
                    except chart.Refused:
                        continue  # it is even needed
                    self.assertTrue(whole != rest, "renders the same without it")
        self.assertEqual(set(), {".".join(one) for one in unset}, "no file of ci/ sets these")

    def test_programs_take_the_arguments_that_they_are_given(self):
        for name, path in chart.values_files().items():
            for deployment in chart.of_kind(chart.render_file("4", path), "Deployment"):
                container = deployment["spec"]["template"]["spec"]["containers"][0]
                with self.subTest(f"{name}: {container['name']}"):
                    program = PROGRAMS[pathlib.PurePath(container["command"][0]).name]
                    done = subprocess.run([program, *container["args"], "--version"], capture_output=True, text=True,
                                          timeout=30, check=False)
                    self.assertEqual(0, done.returncode, done.stderr)

    def test_pods_are_as_the_restricted_standard_wants_them(self):
        for name, path in chart.values_files().items():
            for owner, spec in chart.pod_specs(chart.render_file("4", path)):
                with self.subTest(f"{name}: {owner}"):
                    self.assertTrue(spec["securityContext"]["runAsNonRoot"])
                    self.assertEqual({"type": "RuntimeDefault"}, spec["securityContext"]["seccompProfile"])
                    for container in spec["containers"]:
                        context = container["securityContext"]
                        self.assertFalse(context["allowPrivilegeEscalation"])
                        self.assertTrue(context["readOnlyRootFilesystem"])
                        self.assertEqual(["ALL"], context["capabilities"]["drop"])

    def test_rights_are_named_and_those_over_other_projects_kinds_have_to_be_asked_for(self):
        for name, path in chart.values_files().items():
            objects = chart.render_file("4", path)
            asked = json.dumps(chart.load(path))
            for role, rule in rules_of(objects):
                with self.subTest(f"{name}: {role}"):
                    self.assertNotIn("*", rule["verbs"] + rule.get("resources", []) + rule.get("apiGroups", []))
                    for group in set(rule.get("apiGroups", [])) - KNOWN_GROUPS:
                        self.assertIn(group.removesuffix(".sh"), asked, f"{group} was not asked for")
        default = chart.render("4")
        secrets = [(role, rule) for role, rule in rules_of(default) if "secrets" in rule.get("resources", [])]
        for role, rule in secrets:
            self.assertTrue(role.startswith("Role/"), f"{role}: Secrets of all namespaces")
            self.assertTrue(rule["verbs"] == ["create"] or rule.get("resourceNames"), f"{role}: Secrets of any name")
        with_ledgers = {role for role, rule in rules_of(default) if "limitledgers" in rule.get("resources", [])}
        self.assertEqual({"Role/headroom-system/headroom-webhook", "Role/headroom-system/headroom-uninstall"},
                         with_ledgers)

    def test_secrets_of_one_namespace_are_in_one_role_however_many_entries_name_it(self):
        entries = json.dumps([{"namespace": "a", "names": ["one"]}, {"namespace": "b"},
                              {"namespace": "a", "names": ["two", "one"]}, {"namespace": "b", "names": ["three"]}])
        for component in ("operator", "webhook"):
            objects = chart.render("4", "--set-json", f"{component}.secrets={entries}")
            readable = collections.defaultdict(list)
            for role in chart.of_kind(objects, "Role"):
                if role["metadata"]["name"] == f"headroom-{component}-secrets":
                    readable[role["metadata"]["namespace"]] += [rule.get("resourceNames") for rule in role["rules"]]
            self.assertEqual({"a": [["one", "two"]], "b": [None]}, dict(readable), component)

    def test_nothing_of_other_projects_is_made_unless_it_is_asked_for(self):
        groups = {each["apiVersion"].split("/")[0] for each in chart.render("4")}
        self.assertEqual(set(), groups & FOREIGN_GROUPS)

    def test_every_object_is_known_by_the_labels_of_the_release(self):
        for path in chart.values_files().values():
            for each in chart.render_file("4", path):
                labels = each["metadata"]["labels"]
                self.assertEqual("headroom", labels["app.kubernetes.io/instance"], chart.name_of(each))
        named = chart.render_file("4", chart.values_files()["names-and-labels"])
        for each in named:
            self.assertEqual("0042", each["metadata"]["labels"]["cost-center"], chart.name_of(each))
            self.assertEqual("platform@example.com", each["metadata"]["annotations"]["contact"], chart.name_of(each))
            if each["kind"] != "CustomResourceDefinition":
                self.assertTrue(each["metadata"]["name"].startswith("capacity"), chart.name_of(each))

    def test_definitions_are_those_of_the_source_and_stay_where_they_shall(self):
        for name, keeps in (("default", True), ("crds-removed", False)):
            for each in chart.of_kind(chart.render_file("4", chart.values_files()[name]), "CustomResourceDefinition"):
                group = each["spec"]["group"]
                source = chart.load(chart.ROOT / "crds" / f"{group}_{each['spec']['names']['plural']}.yaml")
                self.assertEqual(source["spec"], each["spec"])
                policy = each["metadata"].get("annotations", {}).get("helm.sh/resource-policy")
                self.assertEqual("keep" if keeps else None, policy)
        self.assertEqual(6, len(chart.of_kind(chart.render("4"), "CustomResourceDefinition")))
        bare = chart.render_file("4", chart.values_files()["without-extras"])
        self.assertEqual([], chart.of_kind(bare, "CustomResourceDefinition"))

    def test_the_image_is_named_by_digest_where_there_is_one(self):
        images = {spec["containers"][0]["image"]
                  for _, spec in chart.pod_specs(chart.render_file("4", chart.values_files()["image"]))}
        self.assertEqual({"registry.example.com/platform/headroom@sha256:" + "0123456789abcdef" * 4}, images)
        version = chart.load(chart.CHART / "Chart.yaml")["appVersion"]
        images = {spec["containers"][0]["image"] for _, spec in chart.pod_specs(chart.render("4"))}
        self.assertEqual({f"headroom/headroom:{version}"}, images)

    def test_long_release_names_leave_room_for_what_follows_them(self):
        for version in chart.HELM_VERSIONS:
            text = chart.helm(version, "template", "r" * 53, chart.CHART, "--namespace", "n" * 63, *chart.KUBERNETES)
            for each in chart.of_kind(chart.load_all(text), "Service", "Deployment", "Job", "Pod"):
                self.assertLessEqual(len(each["metadata"]["name"]), 63, chart.name_of(each))

    def test_a_parent_chart_can_have_it_as_a_part(self):
        with tempfile.TemporaryDirectory() as folder:
            parent = pathlib.Path(folder)
            (parent / "Chart.yaml").write_text(
                "apiVersion: v2\nname: platform\nversion: 0.1.0\n"
                f"dependencies: [{{name: headroom, version: '*', repository: 'file://{chart.CHART}'}}]\n")
            (parent / "values.yaml").write_text("global: {team: platform}\nheadroom: {keda: {enabled: true}}\n")
            (parent / "charts").mkdir()
            (parent / "charts" / "headroom").symlink_to(chart.CHART)
            for version in chart.HELM_VERSIONS:
                objects = chart.load_all(chart.helm(version, "template", "platform", parent, *chart.KUBERNETES))
                chart.find(objects, "Deployment", "platform-headroom-webhook")


if __name__ == "__main__":
    for program in sys.argv[1:3]:
        PROGRAMS[pathlib.PurePath(program).name] = program
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
