#!/usr/bin/env python3
"""The custom resources on a real API server: what is accepted, what is refused with which words, what is explained,
and that the operator and the schemas speak of the same fields.

Usage: crd_test.py CRD_PEER [unittest arguments]
"""
import copy
import json
import pathlib
import re
import subprocess
import sys
import unittest

from crd_cluster import GROUP, PLURALS, ROOT, Cluster, Refused
from crd_objects import DELETE, GOOD, changed, load_all
from crd_rejections import REJECTIONS, UPDATES

PEER = None
# What users write and what Headroom writes; the ledger has one part for both, which no user writes.
KINDS_WITH_SPEC = [kind for kind in PLURALS if kind != "LimitLedger"]
PARTS = {"LimitLedger": ["record"]}
SAMPLES = ROOT / "manifests" / "samples"


def peer(mode, objects=()):
    lines = "".join(json.dumps(each) + "\n" for each in objects)
    done = subprocess.run([PEER, mode], input=lines, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    return done.stdout.splitlines()


def sample_folders():
    return sorted({path.parent for path in SAMPLES.glob("**/*.yaml")})


def samples_of_headroom():
    for path in sorted(SAMPLES.glob("**/*.yaml")):
        for resource in load_all(path.read_text()):
            if resource["apiVersion"].startswith("headroom.dev/"):
                yield path.relative_to(ROOT), resource


def properties(schema, path=""):
    """Every field of a schema, as (path, its schema)."""
    for name, inner in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here, inner
        yield from properties(inner, here)
        yield from properties(inner.get("items", {}), here)


class CustomResources(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.down)
        cls.cluster.add_foreign_crds("cloudnative-pg")
        cls.cluster.install_headroom_crds()

    def test_the_schemas_are_structural_and_cheap_enough_to_be_served_without_a_warning(self):
        for kind in PLURALS:
            conditions = {each["type"]: each["status"] for each in self.cluster.crd(kind)["status"]["conditions"]}
            self.assertEqual(conditions.get("Established"), "True", kind)
            self.assertNotEqual(conditions.get("NonStructuralSchema"), "True", kind)

    def test_an_object_that_uses_every_field_is_accepted_and_read_by_the_operator(self):
        stored = [self.cluster.create(good) for good in GOOD.values()]
        for name, good, back in zip(GOOD, GOOD.values(), stored):
            self.assert_contains(back["spec"], good["spec"], name)
        self.assertEqual(peer("decode", stored), ["ok"] * len(stored))

    def test_every_field_of_the_specs_is_used_by_those_objects(self):
        for kind in KINDS_WITH_SPEC:
            used = set()
            for good in GOOD.values():
                if good["kind"] == kind:
                    self.collect_paths(good["spec"], "spec", used)
            fields = {path for path, _ in properties(self.schema(kind)["properties"]["spec"], "spec")}
            # Members of unions beside the one in use, and repetitions of targets and demands, are left out.
            left_out = {path for path in fields - used if not self.is_repetition(path)}
            self.assertEqual(left_out, set(), kind)

    def test_every_sample_is_accepted(self):
        for folder in sample_folders():
            for file in sorted(folder.glob("00-namespace.yaml")):
                self.cluster.kubectl("apply", "-f", file)
        for folder in sample_folders():
            with self.subTest(folder=str(folder.relative_to(ROOT))):
                self.cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", folder)

    def test_every_sample_is_read_by_the_operator(self):
        samples = list(samples_of_headroom())
        self.assertGreater(len(samples), 40)
        for namespace in {resource["metadata"].get("namespace", "default") for _, resource in samples}:
            self.cluster.kubectl("create", "namespace", namespace, check=False)
        stored = [self.cluster.create(resource) for _, resource in samples]
        for (path, resource), verdict in zip(samples, peer("decode", stored)):
            self.assertEqual(verdict, "ok", f"{path} {resource['metadata']['name']}")

    def test_what_is_wrong_is_refused_naming_field_and_remedy(self):
        count = 0
        for name, rows in REJECTIONS.items():
            for changes, field, text in rows:
                count += 1
                with self.subTest(object=name, changes=str(changes)):
                    self.assert_refused(lambda: self.cluster.create(changed(GOOD[name], changes)), field, text)
        self.assertGreaterEqual(count, 60)

    def test_what_cannot_be_changed_says_what_to_do_instead(self):
        for name in {name for name, *_ in UPDATES}:
            self.cluster.create(GOOD[name], dry_run=False)
        for name, changes, field, text in UPDATES:
            with self.subTest(object=name, changes=str(changes)):
                meta = GOOD[name]["metadata"]
                stored = self.cluster.get(
                    f"/apis/headroom.dev/v1alpha1/namespaces/{meta['namespace']}/scaletargets/{meta['name']}")
                self.assertEqual(self.cluster.update(stored)["spec"], stored["spec"])
                self.assert_refused(lambda: self.cluster.update(changed(stored, changes)), field, text)

    def test_the_smallest_objects_get_the_defaults_that_the_operator_assumes(self):
        region = self.cluster.create({"apiVersion": "headroom.dev/v1alpha1", "kind": "Region",
                                      "metadata": {"name": "local"}, "spec": {}})
        self.assertEqual(region["spec"], {"cluster": {"type": "Local"}, "dataResidency": "Open",
                                          "allowedNamespaces": {"from": "All"}})
        target = self.cluster.create({
            "apiVersion": "headroom.dev/v1alpha1", "kind": "ScaleTarget",
            "metadata": {"name": "a", "namespace": "default"},
            "spec": {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"},
                     "replicas": {"max": 5}}})
        self.assertEqual(target["spec"], {
            "region": "local", "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"},
            "role": "Workload",
            "replicas": {"min": 1, "max": 5},
            "engine": {"type": "HorizontalPodAutoscaler", "whenScaledToZero": "Respect"},
            "suspend": "None", "priority": 0})
        schedule = self.cluster.create({
            "apiVersion": "headroom.dev/v1alpha1", "kind": "FestivalSchedule",
            "metadata": {"name": "a", "namespace": "default"},
            "spec": {"timeZone": "Etc/UTC", "occurrences": [{"name": "a", "day": "2026-11-08"}],
                     "phases": [{"name": "a", "from": "P0D", "to": "P1D"}]}})
        self.assertEqual(schedule["spec"], {
            "timeZone": "Etc/UTC", "fold": "Earlier", "occurrences": [{"name": "a", "day": "2026-11-08"}],
            "phases": [{"name": "a", "from": "P0D", "to": "P1D", "capacity": "ReadyBy", "decrease": "Never"}],
            "suspend": "None"})
        match = {"resources": [{"version": "v1", "resource": "pods"}]}
        matched = {"resources": [{"group": "", "version": "v1", "resource": "pods", "scope": "Namespaced",
                                  "operations": ["CREATE", "UPDATE"]}]}
        for kind in ("ScaleLimit", "ClusterScaleLimit"):
            limit = self.cluster.create({
                "apiVersion": GROUP, "kind": kind, "metadata": {"name": "a"},
                "spec": {"match": match, "concurrency": {"max": 8, "queue": {"length": 2}},
                         "thresholds": [{"name": "a", "percent": 50, "level": "Red"}],
                         "deny": [{"name": "a", "message": "no"}],
                         "object": {"fields": [{"name": "a", "path": ".a", "max": 1}]}}})
            self.assertEqual(limit["spec"], {
                "match": matched, "mode": "Enforce", "unavailable": "Fail",
                "concurrency": {"max": 8, "queue": {"length": 2, "timeout": "3s"}, "assumeDoneAfter": "10s"},
                "thresholds": [{"name": "a", "percent": 50, "level": "Red", "action": "None"}],
                "deny": [{"name": "a", "message": "no", "operations": ["CREATE"], "code": 403}],
                "object": {"fields": [{"name": "a", "path": ".a", "max": 1, "code": 413}]}})

    def test_the_limits_of_a_namespace_and_of_the_cluster_say_the_same_in_the_same_words(self):
        """Two files, one meaning: they differ in nothing but what needs a scope."""
        namespaced, cluster_wide = (self.schema(kind) for kind in ("ScaleLimit", "ClusterScaleLimit"))
        for schema in (namespaced, cluster_wide):
            schema.pop("description")
            schema["properties"].pop("kind")
        spec = cluster_wide["properties"]["spec"]["properties"]
        self.assertIn("namespaceSelector", spec["match"]["properties"])
        del spec["match"]["properties"]["namespaceSelector"], spec["match"]["x-kubernetes-validations"]
        for schema in (namespaced, cluster_wide):
            spec = schema["properties"]["spec"]["properties"]
            spec["match"]["properties"]["resources"]["items"]["properties"]["scope"].pop("x-kubernetes-validations", 0)
            switch = spec["deny"]["items"]["properties"]["whileSwitch"]
            switch["properties"].pop("namespace", 0)
            switch["properties"]["configMap"].pop("description")
            switch["required"] = [name for name in switch["required"] if name != "namespace"]
        self.assertEqual(namespaced, cluster_wide)

    def test_the_schema_and_the_operator_take_the_same_paths(self):
        good = [".a", ".spec.sizeBytes", ".spec['a.b/c-d_e']", ".a[0]", ".a[9999].b", ".a[*].b[*]", "._a-b", ".a" * 16,
                "." + "a" * 255, ".a['0'].b", ".a['x'][0]"]
        bad = ["a", "$.a", ".", ".a.", "..a", ".a..b", ".a[]", ".a[-1]", ".a[01]", ".a[10000]", ".a[1:2]", ".a['']",
               ".a['b", ".a[b]", ".a['b c']", ".a['b']c", ".a['*']", ".*", "['a']", "[0].a", ".0", ".a.0", ".ä",
               ".a ", " .a", ".a\n", "\n.a", ".a[*][*][*]", ".a" * 17, "." + "a" * 256, ".a[?(@.b)]", ".-a"]
        for wanted, paths in {True: good, False: bad}.items():
            for path in paths:
                limit = {"apiVersion": GROUP, "kind": "ScaleLimit", "metadata": {"namespace": "default", "name": "a"},
                         "spec": {"match": {"resources": [{"group": "a.b", "version": "v1", "resource": "a"}]},
                                  "object": {"fields": [{"name": "a", "path": path, "max": 1}]},
                                  "total": {"sums": [{"name": "a", "path": path, "hard": 1}]}}}
                selected = copy.deepcopy(limit)
                selected["spec"]["object"]["fields"][0]["path"] = ".a"
                selected["spec"]["total"]["sums"][0]["path"] = ".a"
                selected["spec"]["match"]["fieldSelector"] = [{"path": path, "operator": "Exists"}]
                with self.subTest(path=path):
                    self.assertEqual(self.accepted(limit), wanted)
                    self.assertEqual(peer("decode", [limit]) == ["ok"], wanted)
                    self.assertEqual(self.accepted(selected), wanted and "[*]" not in path)
                    self.assertEqual(peer("decode", [selected]) == ["ok"], wanted and "[*]" not in path)

    def test_a_limit_as_large_as_the_schema_allows_is_not_too_large_for_its_rules(self):
        path = ".spec" + ".a" * 15
        spec = {"match": {"resources": [{"group": f"g{i}", "version": "v1", "resource": "a", "subresources": ["scale"],
                                         "operations": ["CREATE", "UPDATE", "DELETE"]} for i in range(16)],
                          "fieldSelector": [{"path": path, "operator": "In", "values": ["a" * 253] * 32}] * 8},
                "object": {"fields": [{"name": f"f{i}", "path": path, "max": 1} for i in range(16)],
                           "replicas": {"max": 1}},
                "total": {"count": 1,
                          "sums": [{"name": f"s{i}" + "a" * 60, "path": path, "hard": 1} for i in range(16)]},
                "observed": [{"name": f"o{i}" + "a" * 60, "query": "q" * 4096, "hard": 1} for i in range(16)],
                "thresholds": [{"name": f"t{i}", "percent": i + 1, "level": "Red", "dimension": "o15" + "a" * 60}
                               for i in range(32)],
                "deny": [{"name": f"d{i}", "operations": ["CREATE", "UPDATE", "DELETE"], "message": "m" * 1024}
                         for i in range(16)]}
        for kind in ("ScaleLimit", "ClusterScaleLimit"):
            stored = self.cluster.create({"apiVersion": GROUP, "kind": kind, "metadata": {"name": "large"},
                                          "spec": spec})
            self.assertEqual(peer("decode", [stored]), ["ok"])

    def accepted(self, resource):
        try:
            self.cluster.create(resource)
        except Refused:
            return False
        return True

    def test_a_ledger_is_stored_whole_and_swapped_only_by_who_has_seen_its_last_version(self):
        ledger = self.ledger("swapped")
        stored = self.cluster.create(ledger, dry_run=False)
        self.assertEqual(stored["record"], ledger["record"])
        self.assertEqual(peer("decode", [stored]), ["ok"])
        used = set()
        self.collect_paths(ledger["record"], "record", used)
        self.assertEqual({path for path, _ in properties(self.schema("LimitLedger")["properties"]["record"], "record")},
                         used)

        def swap(version, revision, condition="test"):
            return [{"op": condition, "path": "/metadata/resourceVersion", "value": version},
                    {"op": "replace", "path": "/record/bases/0/revision", "value": revision},
                    {"op": "replace", "path": "/record/grants/1/granted", "value": ["7", "500m"]}]

        version = stored["metadata"]["resourceVersion"]
        most = 2 ** 63 - 1
        swapped = self.cluster.patch(ledger, swap(version, most))
        self.assertEqual(swapped["record"]["bases"][0]["revision"], most)
        self.assertEqual(swapped["record"]["grants"][1]["granted"], ["7", "500m"])
        # A failed test looks like any patch that cannot be applied; a version that is written back makes a conflict.
        for condition, code in {"test": 422, "replace": 409}.items():
            with self.assertRaises(Refused) as late:
                self.cluster.patch(ledger, swap(version, 1, condition))
            self.assertEqual((late.exception.code, late.exception.causes), (code, []))
        now = self.cluster.get(f"/apis/{GROUP}/namespaces/default/limitledgers/swapped")
        self.assertEqual(now, swapped)

    def test_a_ledger_whose_amounts_do_not_fit_its_dimensions_is_refused(self):
        rows = [({"record.bases[0].used": ["1"]}, "record.bases", "used must have one amount per dimension"),
                ({"record.grants[1].granted[2]": "1"}, "record.grants", "granted must have one amount per dimension"),
                ({"record.dimensions": DELETE, "record.bases": DELETE}, "record.grants", "one amount per dimension"),
                ({"record.limitRef.namespace": DELETE}, "record.limitRef.namespace", "belongs to kind ScaleLimit"),
                ({"record.limitRef.uid": DELETE}, "record.limitRef.uid", "Required value"),
                ({"record": DELETE}, "record", "Required value")]
        for changes, field, text in rows:
            with self.subTest(changes=str(changes)):
                self.assert_refused(lambda: self.cluster.create(changed(self.ledger("refused"), changes)), field, text)

    def test_the_status_that_the_operator_writes_is_stored_whole(self):
        for line in peer("status"):
            written = json.loads(line)
            good = copy.deepcopy(GOOD[written["kind"]])
            good["metadata"]["name"] += "-with-status"
            stored = self.cluster.create(good, dry_run=False)
            self.assertNotIn("status", stored)
            stored["status"] = written["status"]
            answer = self.cluster.update(stored, dry_run=False, subresource="/status")
            self.assertEqual(answer["status"], written["status"], written["kind"])
            self.assertEqual(peer("decode", [answer]), ["ok"])
            used = set()
            self.collect_paths(written["status"], "status", used)
            fields = {path for path, _ in properties(self.schema(written["kind"])["properties"]["status"], "status")}
            self.assertEqual(fields - used, set(), f"the operator never writes these of {written['kind']}")

    def test_every_field_is_described(self):
        for kind in PLURALS:
            for path, schema in properties(self.schema(kind)):
                if path != "metadata":
                    self.assertTrue(schema.get("description"), f"{kind}.{path} has no description")

    def test_kubectl_explains_every_field_of_spec_and_status(self):
        for kind, plural in PLURALS.items():
            for part in PARTS.get(kind, ["spec", "status"]):
                text = self.cluster.kubectl("explain", f"{plural}.{part}")
                explained = dict(re.findall(r"^  (\w+)\t<[^\n]*\n(?:  enum: [^\n]*\n)?    (\S[^\n]*)$", text, re.MULTILINE))
                fields = self.schema(kind)["properties"][part]["properties"]
                self.assertEqual(set(explained), set(fields), text)

    def test_every_list_map_and_string_of_the_specs_is_bounded(self):
        for kind in PLURALS:
            part = PARTS.get(kind, ["spec"])[0]
            for path, schema in properties(self.schema(kind)["properties"][part], part):
                for each in (schema, schema.get("items", {}), schema.get("additionalProperties", {})):
                    if each.get("type") == "array":
                        self.assertIn("maxItems", each, f"{kind}.{path}")
                        self.assertIn("x-kubernetes-list-type", each, f"{kind}.{path}")
                    if each.get("type") == "string" and "enum" not in each and each.get("format") != "date-time":
                        self.assertIn("maxLength", each, f"{kind}.{path}")
                    if "additionalProperties" in each:
                        self.assertIn("maxProperties", each, f"{kind}.{path}")

    def test_objects_are_found_by_short_name_and_category_and_listed_with_their_state(self):
        self.cluster.kubectl("create", "namespace", "listing")
        target = changed(GOOD["ScaleTarget"], {"metadata.namespace": "listing"})
        stored = self.cluster.create(target, dry_run=False)
        stored["status"] = json.loads(peer("status")[1])["status"]
        self.cluster.update(stored, dry_run=False, subresource="/status")
        for name in ("st", "headroom", "scaletargets"):
            head, row = self.cluster.kubectl("get", name, "-n", "listing").splitlines()[:2]
            self.assertEqual(head.split(), ["NAME", "READY", "CURRENT", "DESIRED", "MIN", "MAX", "DECIDED-BY", "REGION",
                                            "AGE"])
            self.assertRegex(row, r"orders +True +60 +60 +60 +100 +FestivalSchedule/diwali lead-up +mumbai +\d+s")
        self.assertIn("ENGINE", self.cluster.kubectl("get", "st", "-n", "listing", "-o", "wide").splitlines()[0])
        for short in ("reg", "fest"):
            self.cluster.kubectl("get", short)

    def test_limits_are_listed_with_their_fullest_dimension_and_ledgers_only_by_name(self):
        self.cluster.kubectl("create", "namespace", "full")
        status = next(json.loads(line)["status"] for line in peer("status") if '"ScaleLimit"' in line)
        for kind, names in {"ScaleLimit": ("sl", "scalelimits"), "ClusterScaleLimit": ("csl",)}.items():
            stored = self.cluster.create(changed(GOOD[kind], {"metadata.namespace": "full", "metadata.name": "listed"}
                                                 if kind == "ScaleLimit" else {"metadata.name": "listed"}),
                                         dry_run=False)
            stored["status"] = status
            self.cluster.update(stored, dry_run=False, subresource="/status")
            for name in names:
                head, row = self.cluster.kubectl("get", name, "-n", "full").splitlines()[:2]
                self.assertEqual(head.split(), ["NAME", "READY", "ENFORCED", "LEVEL", "FULLEST", "USED", "HARD",
                                                "PERCENT", "MODE", "AGE"])
                self.assertRegex(row, r"listed +True +False +Red +storage +1T +1T +100 +Warn +\d+s")
        self.cluster.kubectl("delete", "csl", "listed")
        self.cluster.create(changed(self.ledger("listed"), {"metadata.namespace": "full"}), dry_run=False)
        names = self.cluster.kubectl("get", "headroom", "-n", "full", "-o", "name").splitlines()
        self.assertIn("scalelimit.headroom.dev/listed", names)
        self.assertEqual([name for name in names if "ledger" in name], [])
        self.assertRegex(self.cluster.kubectl("get", "limitledgers", "-n", "full").splitlines()[1],
                         r"listed +ScaleLimit +default +artifacts +3 ")

    @staticmethod
    def ledger(name):
        return {"apiVersion": GROUP, "kind": "LimitLedger", "metadata": {"namespace": "default", "name": name},
                "record": json.loads(peer("record")[0])}

    def schema(self, kind):
        return self.cluster.crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]

    def assert_refused(self, attempt, field, text):
        try:
            attempt()
        except Refused as refusal:
            if field is None:
                self.assertIn(text, str(refusal))
                return
            found = [message for named, message in refusal.causes if named == field]
            self.assertTrue(any(text in message for message in found), f"{field}: {text}\n{refusal.causes}")
            strays = [cause for cause in refusal.causes
                      if cause[0] not in (field, "<nil>") and not cause[0].startswith(field + ".")]
            self.assertEqual(strays, [], "the object is refused for something else too")
        else:
            self.fail("accepted")

    def assert_contains(self, actual, expected, where):
        """`actual` says all that `expected` says, and perhaps more: defaults."""
        if isinstance(expected, dict):
            for key, value in expected.items():
                self.assertIn(key, actual, where)
                self.assert_contains(actual[key], value, f"{where}.{key}")
        elif isinstance(expected, list):
            self.assertEqual(len(actual), len(expected), where)
            for index, value in enumerate(expected):
                self.assert_contains(actual[index], value, f"{where}[{index}]")
        else:
            self.assertEqual(actual, expected, where)

    def collect_paths(self, value, path, found):
        if isinstance(value, list):
            for item in value:
                self.collect_paths(item, path, found)
        elif isinstance(value, dict):
            for key, inner in value.items():
                found.add(f"{path}.{key}")
                self.collect_paths(inner, f"{path}.{key}", found)

    @staticmethod
    def is_repetition(path):
        repeated = (".targets.", ".demands.", ".waves.", ".metrics.", ".engine.", ".selectPolicy",
                    ".stabilizationWindowSeconds", ".phases.add", ".phases.replicas", ".ramp.")
        return any(part in path for part in repeated)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PEER = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
