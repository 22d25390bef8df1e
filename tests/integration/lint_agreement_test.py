#!/usr/bin/env python3
"""`headroom lint` and a real API server say the same of 500 objects, which were made from a seed by changing good ones;
and it reads YAML as kubectl does.

Usage: lint_agreement_test.py JUDGE_LINES MANIFEST_LINES [unittest arguments]
"""
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

from crd_cluster import CLUSTER_SCOPED, ROOT, Cluster, Refused
from crd_objects import GOOD, load_all
from lint_mutations import Mutator

JUDGE = READ = None
COUNT = int(os.environ.get("HEADROOM_OBJECTS", "500"))
SEED = int(os.environ.get("HEADROOM_SEED", "20261108"))


# Unquoted scalars, which kubectl's YAML reads in ways that surprise, and structures.
SCALARS = """yes no on off y n Yes NO On OFF Y N true False TRUE ~ null NULL Null nul 5 -5 +5 0 00 007 0600 0o600 0O17 089 08.5
0x1F 0X1f -0x1F +0x1F 0b101 -0b11 0B1 0b2 1_000 1__0 _1 1_ 1_000.5 0x_1F 1e3 1E3 1e+3 1e-3 -1e3 .5 -.5 +.5 5. . .e3 1e 1e400 -1e400
1e-400 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 18446744073709551615
18446744073709551616 100000000000000000000 123456789.123456789 0.1 1.10 1.0 1.2.3 2026-11-08 2026-1-8 2026-13-45 26-11-08
2026-11-08T00:00:00Z 2026-11-08T00:00:00+05:30 12:30 12:30:45 -P3D P1W 1Gi 500m +0 -0 -- -a +a 0x 0b 0xg ++5 +-5
a:b .a .inf1 =""".split()
# What kubectl takes for no key.
NO_KEYS = {"~", "null", "NULL", "Null", "9223372036854775808", "18446744073709551615"}
STRUCTURES = ["a: {<<: {x: 1, y: 2}, x: 3}", "a: {x: 3, <<: {x: 1, y: 2}}", "b: &b {x: 1}\na: {<<: [*b, {x: 2, z: 3}], w: *b}",
              "a: !!str 5", "a: !!float 5", "a: !!int \"5\"", "a: !!binary aGk=", "a: !ours x", "a: !!timestamp 2026-11-08",
              "a: |\n  x\n  y\n", "a: >-\n  x\n  y\n\n  z\n", "a: |2-\n    x\n   y\n", "a: |+\n  x\n\nb: 1",
              "a: 'it''s'\nb: \"\\u00e4\\n\\x41\"", "a:\n- b\n-   c: 1\n    d: 2", "? a\n: b", "a: {1: x, yes: y, 0x10: z, 1.5: w}",
              "a: [yes, [no], {on: off}]", "a: x # comment\nb: x#no-comment", "a: one\n  two\n  three", "a: &x [1]\nb: *x", "a: ''\nb:\nc: \"\""]


def bases():
    """The good objects, and the samples."""
    objects = [each for each in GOOD.values() if each["kind"] != "LimitLedger"]
    for path in sorted((ROOT / "manifests" / "samples").glob("**/*.yaml")):
        objects += [each for each in load_all(path.read_text()) if each["apiVersion"].startswith("headroom.dev/")]
    for each in objects:
        if each["kind"] not in CLUSTER_SCOPED:
            each["metadata"]["namespace"] = "default"
    return objects


def told(value):
    """With types. Go prints whole doubles without a point, so beyond 64 bits they are read as long integers here."""
    if isinstance(value, list):
        return [told(each) for each in value]
    if isinstance(value, dict):
        return {name: told(each) for name, each in value.items()}
    if isinstance(value, int) and abs(value) >= 2**63:
        value = float(value)
    return type(value).__name__, value


def judged(objects):
    lines = "".join(json.dumps(each) + "\n" for each in objects)
    done = subprocess.run([JUDGE], input=lines, stdout=subprocess.PIPE, text=True, timeout=120, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Agreement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.down)
        cls.cluster.install_headroom_crds()

    def test_on_objects_made_from_a_seed(self):
        mutator = Mutator(SEED, bases())
        objects, changes = zip(*(mutator.next() for _ in range(COUNT)))
        refusals = [self.refusal(each) for each in objects]
        accepted, disagreements, fields_named = refusals.count(None), [], 0
        for each, change, refused, verdict in zip(objects, changes, refusals, judged(objects), strict=True):
            if verdict["accepted"] != (refused is None):
                said = str(refused) if refused else "accepted"
                disagreements.append(f"{each['kind']} {each['metadata'].get('name')!r:.40}: {change}\n"
                                     f"  API server: {said:.500}\n  lint: {str(verdict['causes']):.500}")
            elif refused is not None:
                theirs = {field for field, _ in refused.causes}
                fields_named += not theirs or bool(theirs & {field for field, _ in verdict["causes"]})
        self.assertFalse(disagreements, f"seed {SEED}:\n" + "\n".join(disagreements))
        print(f"{accepted} accepted, {COUNT - accepted} refused, {fields_named} of them at the same field")
        # Neither verdict is rare, so neither answer is right by accident.
        self.assertGreater(accepted, COUNT // 8)
        self.assertGreater(COUNT - accepted, COUNT // 8)
        # Where both refuse, they name the same field (an API server names none when it cannot even decode).
        self.assertGreater(fields_named, (COUNT - accepted) * 9 // 10)

    def refusal(self, resource):
        try:
            self.cluster.create(resource)
        except Refused as answer:
            return answer
        return None

    def test_reading_yaml_is_kubectl_s(self):
        texts = ["\n".join(f"v{i}: {each}" for i, each in enumerate(SCALARS)),
                 "\n".join(f"v{i}: [{each}, x]" for i, each in enumerate(SCALARS)),
                 "\n".join(f"v{i}: {{{each}: x}}" for i, each in enumerate(SCALARS) if each not in NO_KEYS), *STRUCTURES]
        manifest = "".join("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nspec:\n" +
                           textwrap.indent(text, "  ") + "\n" for text in texts)
        ours = subprocess.run([READ], input=manifest, stdout=subprocess.PIPE, text=True, timeout=30, check=True)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(manifest)
            file.flush()
            theirs = self.cluster.kubectl("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", file.name)
        read = [json.loads(line)["spec"] for line in ours.stdout.splitlines()]
        wanted, at = [], 0
        while at < len(theirs.rstrip()):
            value, at = json.JSONDecoder().raw_decode(theirs, at)
            wanted.append(value["spec"])
            at += len(theirs[at:]) - len(theirs[at:].lstrip())
        self.assertEqual(len(wanted), len(texts))
        for text, our, their in zip(texts, read, wanted, strict=True):
            self.assertEqual(set(our), set(their), text)
            for name, value in their.items():
                self.assertEqual(told(our[name]), told(value), f"{name} of\n{text}")


if __name__ == "__main__":
    JUDGE, READ = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
