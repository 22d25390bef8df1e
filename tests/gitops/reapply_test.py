#!/usr/bin/env python3
"""A festival from before its first phase to after its last step, on a real API server, while GitOps tools apply what
Git says every second: set up as docs/gitops.md has it, and not.

Usage: reapply_test.py HEADROOM_OPERATOR [unittest arguments]
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import yaml

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "chart"), str(TESTS / "docs")]

# pylint: disable=wrong-import-position
import api  # noqa: E402
import chart  # noqa: E402
import festival  # noqa: E402
import markdown  # noqa: E402
import sizes  # noqa: E402
from audit import Audit  # noqa: E402
from cluster import Cluster  # noqa: E402
from festival import ABOVE_ORIGINAL, ABSENT, ORIGINAL  # noqa: E402
from git_tool import GitTool  # noqa: E402
from terminal import Terminal  # noqa: E402

OPERATOR = []
ARGO, FLUX = "argocd-controller", "kustomize-controller"
PERIOD = 1.0
LATE_SECONDS = 3  # what a busy machine may take
PAGE_SECONDS = 60  # a block of the page
# shop: Git had replicas, which are taken out as the page says. ignored: Git has sizes, and Argo CD ignores what
# Headroom owns. flux: Git has none. forced: Git has sizes, and its tool, which knows nothing of Headroom, heals from
# the middle of the peak on.
NAMESPACES = ("shop", "ignored", "flux", "forced")
NAMES = {"deployments": "web", "horizontalpodautoscalers": "api"}


def shell_blocks(page, heading):
    """Of the section that begins with that heading."""
    headings = [number for number, line in enumerate(page.prose.splitlines(), start=1) if line.startswith("## ")]
    begin = next(number for number in headings if page.prose.splitlines()[number - 1] == f"## {heading}")
    end = min(number for number in headings if number > begin)
    return [block.text for block in page.blocks if block.language == "sh" and begin < block.line < end]


class Reapply(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="headroom-reapply-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.audit = Audit(cls.folder, sizes.WRITES)
        cls.cluster = Cluster("reapply", *cls.audit.flags, foreign=())
        cls.addClassCleanup(cls.cluster.down)
        cls.cluster.kubectl("apply", "--server-side", "--filename", chart.ROOT / "crds")
        cls.api = api.Api(cls.cluster)
        for namespace in NAMESPACES:
            cls.cluster.kubectl("create", "namespace", namespace)
        cls.sizes = {resource: sizes.sizes_of(api.Api(cls.cluster), resource) for resource in sizes.LISTS}
        for each in cls.sizes.values():
            cls.addClassCleanup(each.stop)
        in_git, not_in_git = festival.sizes_in_git, festival.no_sizes_in_git
        cls.tools = {namespace: GitTool(api.Api(cls.cluster), manager, PERIOD, git, ignores, heals)
                     for namespace, manager, git, ignores, heals in (
                         ("shop", ARGO, festival.replicas_in_git("shop"), (), True),
                         ("ignored", ARGO, in_git("ignored"), ("headroom", "kube-controller-manager"), True),
                         ("flux", FLUX, not_in_git("flux"), (), True),
                         ("forced", ARGO, in_git("forced"), (), False))}
        for tool in cls.tools.values():
            cls.addClassCleanup(tool.stop)
        for namespace in NAMESPACES:
            cls.wait(f"objects of {namespace}", lambda namespace=namespace: all(
                history.revisions(namespace, NAMES[resource]) for resource, history in cls.sizes.items()))
        cls.hand_over()
        cls.cluster.kubectl("scale", "deployment/web", "--replicas", ORIGINAL, "--namespace", "flux")
        cls.walk()

    @classmethod
    def wait(cls, what, condition, seconds=60):
        return cls.cluster.until(what, condition, seconds)

    @classmethod
    def hand_over(cls):
        """As the page has it; where it says so, the tool syncs."""
        page = markdown.Page(chart.ROOT / "docs" / "gitops.md")
        names, look, share, dropped = shell_blocks(page, "Taking replicas out of Git: share, then drop")
        terminal = Terminal(cls.folder, os.environ)
        cls.addClassCleanup(terminal.close)

        def said(block):
            return terminal.run(block, PAGE_SECONDS)[1].splitlines()
        said("set -e")  # a command that fails ends the shell, which the terminal tells
        said(f'kubectl() {{ {chart.ROOT}/hack/cluster kubectl {cls.cluster.name} "$@"; }}')
        said(names)
        cls.owners_before = said(look)
        cls.owners_shared = said(share)[1:]  # behind what kubectl says
        cls.tools["shop"].push(festival.no_sizes_in_git("shop"))
        cls.owners_after = said(dropped)

    @classmethod
    def walk(cls):
        for namespace in NAMESPACES:
            cls.cluster.kubectl("apply", "--filename", "-", text=yaml.safe_dump_all(festival.capacity(namespace)))
        log = cls.folder / "operator.log"
        began = time.time()
        with log.open("wb") as said:
            operator = subprocess.Popen(
                [OPERATOR[0], "--kubeconfig", cls.cluster.kubeconfig, "--no-leader-election", "--listen",
                 "127.0.0.1:0", "--replay-clock", festival.replay()], stdout=said, stderr=said)
        try:
            cls.slow_from, cls.slow_until, end = (began + festival.real_seconds_until(minute) for minute in (
                festival.SLOW_FROM, festival.SLOW_UNTIL, festival.END))
            cls.wait("the peak", lambda: time.time() > cls.slow_from)
            cls.tools["forced"].heal()
            cls.wait("some of its rounds", lambda: time.time() > (cls.slow_from + cls.slow_until) / 2)
            cls.contested = [cls.target("forced", name) for name in NAMES.values()]
            cls.wait("the festival to be over", lambda: time.time() > end, 300)
            cls.wait("sizes to be put back", cls.is_put_back)
            cls.wait_for_rounds(2)
            if operator.poll() is not None:
                raise AssertionError(f"the operator ended with {operator.returncode}")
        except BaseException:
            sys.stderr.write(log.read_text()[-20000:])
            raise
        finally:
            operator.kill()
            operator.wait()

    @classmethod
    def wait_for_rounds(cls, count):
        before = {namespace: len(tool.rounds()) for namespace, tool in cls.tools.items()}
        cls.wait("the tools", lambda: all(
            len(tool.rounds()) >= before[namespace] + count for namespace, tool in cls.tools.items()))

    @classmethod
    def target(cls, namespace, name):
        return cls.api.get(f"/apis/headroom.dev/v1alpha1/namespaces/{namespace}/scaletargets/{name}")

    @classmethod
    def is_put_back(cls):
        return all("inForce" not in cls.target(namespace, name).get("status", {"inForce": 0})
                   for namespace in NAMESPACES for name in NAMES.values())

    def changes(self, namespace, resource):
        return self.sizes[resource].changes(namespace, NAMES[resource], lambda seen: seen.size)

    def seen(self, namespace, resource):
        return [one.seen.size for one in self.changes(namespace, resource)]

    def writes(self, namespace, resource):
        """When Headroom wrote."""
        return sizes.writes_of("headroom", self.audit)[(resource, namespace, NAMES[resource])]

    def events(self, namespace, name, reason):
        return [one["note"] for one in self.cluster.items("events.events.k8s.io", "--namespace", namespace)
                if one["reason"] == reason and one["regarding"]["name"] == name]

    def test_replicas_leave_git_as_the_page_says_and_never_fall(self):
        tool, other = f"{ARGO} Apply", "replicas-handover Apply"
        self.assertEqual([tool], self.owners_before)
        self.assertEqual(sorted([tool, other]), sorted(self.owners_shared))
        self.assertEqual([other, str(ORIGINAL)], self.owners_after)
        ever = [one.seen.size for one in self.sizes["deployments"].revisions("shop", "web")]
        self.assertGreater(len(ever), 5)
        self.assertGreaterEqual(min(ever), ORIGINAL)

    def test_sizes_that_are_not_in_git_follow_the_plan_and_are_written_once(self):
        steps = len(ABOVE_ORIGINAL) + 1
        for namespace, before in (("shop", [ORIGINAL]), ("flux", [ABSENT, ORIGINAL])):
            with self.subTest(namespace):
                self.assertEqual([*before, *ABOVE_ORIGINAL, ORIGINAL], self.seen(namespace, "deployments"))
                self.assertEqual([ABSENT, *ABOVE_ORIGINAL, ABSENT], self.seen(namespace, "horizontalpodautoscalers"))
                # An autoscaler's record goes with its size; behind /scale it takes a write of its own.
                for resource, most in (("horizontalpodautoscalers", steps + 1), ("deployments", 2 * steps + 1)):
                    writes = len(self.writes(namespace, resource))
                    self.assertGreaterEqual(writes, steps, resource)
                    self.assertLessEqual(writes, most, resource)
                self.assertGreaterEqual(len(self.tools[namespace].rounds()), 10 * steps, "the tool had its chances")

    def test_sizes_in_git_that_the_tool_ignores_follow_the_plan(self):
        rounds = len(self.tools["ignored"].rounds())
        for resource in sizes.LISTS:
            with self.subTest(resource):
                seen = [one.seen for one in self.sizes[resource].revisions("ignored", NAMES[resource])]
                of_headroom = [one.size for one in seen if "headroom" in one.owners]
                self.assertEqual([*ABOVE_ORIGINAL, ORIGINAL], [
                    size for before, size in zip([None, *of_headroom], of_headroom) if size != before])
                self.assertEqual(ORIGINAL, seen[-1].size)
                # What the tool has read a moment before Headroom's write it may write a moment after it.
                written_over = [after for before, after in zip(seen, seen[1:])
                                if "headroom" in before.owners and "headroom" not in after.owners]
                self.assertLess(len(written_over), rounds / 10, written_over)

    def test_a_size_that_a_tool_forces_comes_back_ever_more_rarely(self):
        def while_slow(moments):
            return [at for at in moments if self.slow_from < at < self.slow_until]

        self.assertGreater(len(while_slow(self.tools["forced"].rounds())), 40, "the tool had its chances")
        for resource, writes_each in (("deployments", 2), ("horizontalpodautoscalers", 1)):
            with self.subTest(resource):
                changes = self.changes("forced", resource)
                raised = [one.seen.size for one in changes if one.seen.size != ORIGINAL]
                self.assertEqual(ABOVE_ORIGINAL, [size for before, size in zip([None, *raised], raised)
                                                  if size != before])
                self.assertEqual(ORIGINAL, changes[-1].seen.size)
                # Within a second, and then after 2 s, 4 s and so on; the first of them may be before the slow part.
                rises = while_slow(one.at for one in changes if one.seen.size != ORIGINAL)
                waits = [after - before for before, after in zip(rises, rises[1:])]
                self.assertIn(len(rises), (5, 6, 7), waits)
                # The tool's next round makes Headroom look again.
                self.assertTrue(any(all(
                    first * 2 ** number / 2 < wait < first * 2 ** number + PERIOD + LATE_SECONDS
                    for number, wait in enumerate(waits)) for first in (1, 2)), waits)
                self.assertLessEqual(len(while_slow(self.writes("forced", resource))), writes_each * len(rises))

    def test_a_contest_says_who_and_what(self):
        for target, field in zip(self.contested, ("spec.replicas", "spec.minReplicas")):
            name = target["metadata"]["name"]
            with self.subTest(name):
                contested = {one["type"]: one for one in target["status"]["conditions"]}["Contested"]
                self.assertEqual(("True", "FieldContested"), (contested["status"], contested["reason"]))
                notes = self.events("forced", name, "Contested")
                for message in (contested["message"], notes[0] if notes else ""):
                    self.assertIn(f"field manager {ARGO} wrote {ORIGINAL} over Headroom's ", message)
                    self.assertIn(f"take {field} out of what it manages", message)

    def test_nobody_else_is_called_a_rival_and_nothing_is_left_behind(self):
        for namespace in NAMESPACES:
            for resource, name in NAMES.items():
                with self.subTest(f"{namespace}/{name}"):
                    # One that has looked before Headroom's first write ignores nothing yet.
                    if namespace != "ignored":
                        self.assertEqual(namespace == "forced", self.events(namespace, name, "Contested") != [])
                    found = self.cluster.get(resource, name, "--namespace", namespace)
                    self.assertNotIn("headroom.dev/original", found["metadata"].get("annotations", {}))


if __name__ == "__main__":
    OPERATOR.append(sys.argv[1])
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
