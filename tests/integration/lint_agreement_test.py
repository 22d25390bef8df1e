#!/usr/bin/env python3
"""`headroom lint` and a real API server say the same of 500 objects, which were made from a seed by changing good ones.

Usage: lint_agreement_test.py JUDGE_LINES [unittest arguments]
"""
import json
import os
import subprocess
import sys
import unittest

from crd_cluster import CLUSTER_SCOPED, ROOT, Cluster, Refused
from crd_objects import GOOD, load_all
from lint_mutations import Mutator

JUDGE = None
COUNT = int(os.environ.get("HEADROOM_OBJECTS", "500"))
SEED = int(os.environ.get("HEADROOM_SEED", "20261108"))


def bases():
    """The good objects, and the samples."""
    objects = [each for each in GOOD.values() if each["kind"] != "LimitLedger"]
    for path in sorted((ROOT / "manifests" / "samples").glob("**/*.yaml")):
        objects += [each for each in load_all(path.read_text()) if each["apiVersion"].startswith("headroom.dev/")]
    for each in objects:
        if each["kind"] not in CLUSTER_SCOPED:
            each["metadata"]["namespace"] = "default"
    return objects


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
        accepted, disagreements, fields_named = 0, [], 0
        for each, change, verdict in zip(objects, changes, judged(objects)):
            try:
                self.cluster.create(each)
                refused = None
                accepted += 1
            except Refused as answer:
                refused = answer
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


if __name__ == "__main__":
    JUDGE = sys.argv.pop(1)
    unittest.main()
