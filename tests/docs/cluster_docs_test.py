#!/usr/bin/env python3
"""Every command that the README and docs/ show for a cluster works there, in the pages' order: against a real API
server, with Headroom's programs in the pods of its chart. Those for files alone are docs_test.py's.

Usage: cluster_docs_test.py SOURCE_ROOT BUILD_FOLDER [PAGE...]

A block ```yaml with `Stored as NAME` behind it is stored under that name. What stands below a command in a block
```text is in what it prints: word by word, without what differs from one cluster to the next.
"""
import collections
import pathlib
import re
import sys
import time
import unittest

ROOT = pathlib.Path(sys.argv[1]).resolve()
BUILD = pathlib.Path(sys.argv[2]).resolve()
ONLY = sys.argv[3:]
sys.path.append(str(ROOT / "tests/chart"))

import commands  # noqa: E402: after the path
import markdown  # noqa: E402
import pods  # noqa: E402
import scenes  # noqa: E402
from world import World  # noqa: E402

PROGRAMS = {"headroom": BUILD / "operator/cli/headroom", "headroom-operator": BUILD / "operator/app/headroom-operator",
            "headroom-webhook": BUILD / "webhook/app/headroom-webhook"}
# What cannot be run here, and why. Each must be on a page.
ELSEWHERE = {
    r"hack/demo.*": "builds the programs as shipped and plays six days in two minutes",
    r"hack/test.*": "is what runs this test",
    r"helm install .*webhook\.certificates\.mode=CertManager": "needs cert-manager itself, not its definitions alone",
    r"kubectl -n argocd .*": "needs Argo CD",
}
# Ask, and change nothing: what they tell may come a moment later, as it would for a person.
LOOKS = re.compile(r"kubectl\b.* (get|describe|wait|rollout|logs|auth|top)\b|headroom (status|explain|limits|plan)\b"
                   r"|helm test|owners$")
# Tells by its exit code, too, how things are; where a page says how they should be, it shows that.
VERDICT = re.compile(r"headroom status -A$")
# Go on until somebody stops them.
WATCHES = re.compile(r"kubectl .* -w$|headroom top -A$")
STOPPED = 124  # says timeout
LOOK_SECONDS, SECONDS = 120, 400


def left_out(text):
    command = " ".join(re.sub(r"\s+# .*", "", text).replace("\\\n", " ").split())
    return next((reason for pattern, reason in ELSEWHERE.items() if re.fullmatch(pattern, command)), None)


class ClusterDocs(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.pages = [markdown.Page(path) for path in commands.pages(ROOT)]

    def name_of(self, page):
        return str(page.path.relative_to(ROOT))

    def blocks(self, page):
        return [block for block in page.blocks if block.language == "sh" and not commands.runs_offline(page, block)]

    def places(self, page):
        """((page, heading, number below the heading), block) of each."""
        below = collections.Counter()
        for block in self.blocks(page):
            yield (self.name_of(page), block.heading, below[block.heading]), block
            below[block.heading] += 1

    def test_what_is_left_out_is_on_a_page(self):
        shown = [text for page in self.pages for block in self.blocks(page) for _, text in commands.statements(block)]
        for pattern, reason in ELSEWHERE.items():
            with self.subTest(pattern):
                self.assertTrue([text for text in shown if left_out(text) == reason], "no page shows such a command")

    def test_scenes_are_of_headings_that_are_there(self):
        there = {place for page in self.pages for place, _ in self.places(page)}
        self.assertEqual(set(), set(scenes.SCENES) - there)
        self.assertEqual(set(), {(*place, 0) for place in scenes.IN_SECOND_CLUSTER} - there)

    def test_every_command_works(self):
        world = World(PROGRAMS)
        self.addCleanup(world.stop)
        ran = 0
        for page in self.pages:
            if ONLY and self.name_of(page) not in ONLY:
                continue
            for block in page.blocks:
                if block.stored_as:
                    world.store(block.stored_as, block.text)
            for place, block in self.places(page):
                if place in scenes.SCENES:
                    scenes.SCENES[place](world, page)
                second = place[:2] in scenes.IN_SECOND_CLUSTER
                kubeconfig = world.second_cluster().kubeconfig if second else world.kubeconfig
                world.terminal.run(f"export KUBECONFIG={kubeconfig}", 10)
                ran += self.run_block(world, page, block)
        self.assertGreater(ran, 0)
        print(f"{ran} commands", file=sys.stderr)

    def run_block(self, world, page, block):
        """How many commands of it were run."""
        ran, printed, inside = 0, "", commands.statements(block)
        for line, text in inside:
            where = f"{self.name_of(page)}:{line}: {text}"
            with self.subTest(where):
                print(where.splitlines()[0], file=sys.stderr, flush=True)  # how far it has come
                if reason := left_out(text):
                    self.skipTest(reason)
                ran += 1
                printed += self.run_statement(world, text, block.output or "" if len(inside) == 1 else "")
        if block.output is not None:
            with self.subTest(f"{self.name_of(page)}:{block.line}: what is shown"):
                self.assertEqual([], commands.words_missing(block.output, printed), f"printed:\n{printed}")
        return ran

    def run_statement(self, world, text, shown):
        """What it printed. Who only looks does so again until all is there."""
        expected, deadline = {commands.exit_code(text)}, time.monotonic() + LOOK_SECONDS
        if VERDICT.search(text) and not shown:
            expected = {0, 1}
        if WATCHES.search(text):
            text, expected = f"timeout 5 {text}", {STOPPED}
        while True:
            code, said = world.terminal.run(text, SECONDS)
            done = code in expected and not commands.words_missing(shown, said) and (code != STOPPED or said.strip())
            if done or not LOOKS.search(text) or time.monotonic() > deadline:
                self.assertIn(code, expected, said)
                return said
            time.sleep(0.5)


if __name__ == "__main__":
    pods.in_private_network()
    unittest.main(argv=sys.argv[:1])
