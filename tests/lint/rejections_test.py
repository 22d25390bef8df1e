#!/usr/bin/env python3
"""What the API server is known to refuse, and its words, are what `headroom lint` says without one.

Usage: rejections_test.py JUDGE_LINES [unittest arguments]
"""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from crd_objects import GOOD, changed  # noqa: E402
from crd_rejections import REJECTIONS  # noqa: E402

JUDGE = None


def judged(objects):
    lines = "".join(json.dumps(each) + "\n" for each in objects)
    done = subprocess.run([JUDGE], input=lines, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Rejections(unittest.TestCase):
    def test_objects_that_use_every_field_are_accepted(self):
        for name, verdict in zip(GOOD, judged(GOOD.values())):
            self.assertTrue(verdict["accepted"], f"{name}: {verdict['causes']}")

    def test_what_an_api_server_refuses_is_refused_at_the_same_field_in_the_same_words(self):
        rows = [(name, *row) for name, rows in REJECTIONS.items() for row in rows]
        verdicts = judged(changed(GOOD[name], changes) for name, changes, _, _ in rows)
        self.assertGreaterEqual(len(rows), 60)
        self.assertEqual(len(verdicts), len(rows))
        for (name, changes, field, text), verdict in zip(rows, verdicts):
            with self.subTest(object=name, changes=str(changes)):
                wanted = "" if field == "<nil>" else field
                found = [cause for cause in verdict["causes"] if text in cause[1] and field in (None, cause[0] or "<nil>")]
                self.assertTrue(found, f"wanted {wanted}: {text}, said {verdict['causes']}")


if __name__ == "__main__":
    JUDGE = sys.argv.pop(1)
    unittest.main()
