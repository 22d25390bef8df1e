#!/usr/bin/env python3
"""Health of Headroom's kinds, as Argo CD and Flux see it: the health scripts on their samples, in the Lua that Argo CD
runs them in; and scripts and Flux's expressions on every condition that the programs write, where both must agree.

Usage: health_test.py SOURCE_ROOT [--headroom PROGRAM]
"""
import argparse
import copy
import json
import pathlib
import subprocess
import sys
from typing import Any

import samples

FLUX_OF_ARGO = {"Healthy": "Current", "Suspended": "Current", "Progressing": "InProgress", "Degraded": "Failed"}
# What these say is said by Ready, Reconciling and Stalled, too.
SUMMED_UP = {"Reachable", "Healthy", "ParametersWritten", "RivalScaler", "AmbiguousScaler", "SwitchesPending"}
VERDICTS = {"Ready", "Reconciling", "Stalled"}


def condition(kind: str, status: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": f"{kind}Reason", "message": f"text of {kind}",
            "observedGeneration": 7, "lastTransitionTime": "2026-11-07T18:30:00Z"}


def judged_object(kind: str, conditions: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    judged = {"apiVersion": "headroom.dev/v1alpha1", "kind": kind, "metadata": {"name": "x", "generation": 7},
              "spec": {}, "status": {"observedGeneration": 7, "conditions": conditions}}
    for part, values in changes.items():
        judged[part].update(values)
    return judged


def written_cases(root: pathlib.Path, kind: str) -> list[tuple[str, str, dict[str, Any]]]:
    """What it is, the health that Argo CD has to show, and the object."""
    ready, not_ready = condition("Ready", "True"), condition("Ready", "False")
    stalled, reconciling = condition("Stalled", "True"), condition("Reconciling", "True")
    cases = [
        ("ready", "Healthy", judged_object(kind, [ready])),
        ("not ready, and no more known", "Degraded", judged_object(kind, [not_ready])),
        ("stalled", "Degraded", judged_object(kind, [not_ready, stalled])),
        ("reconciling", "Progressing", judged_object(kind, [not_ready, reconciling])),
        ("reconciling, told last", "Progressing", judged_object(kind, [reconciling, not_ready])),
        ("stalled in an older version", "Progressing",
         judged_object(kind, [not_ready, stalled], status={"observedGeneration": 6})),
        ("stalled and being deleted", "Progressing",
         judged_object(kind, [not_ready, stalled], metadata={"deletionTimestamp": "2026-11-07T18:30:00Z"})),
        ("no condition yet", "Progressing", judged_object(kind, [])),
    ]
    if kind in ("ScaleTarget", "FestivalSchedule"):
        for mode in ("Hold", "Restore"):
            spec = {"suspend": mode}
            cases.append((f"suspended with {mode}", "Suspended", judged_object(kind, [ready], spec=spec)))
            cases.append((f"suspended with {mode}, stalled", "Degraded",
                          judged_object(kind, [not_ready, stalled], spec=spec)))
        cases.append(("not suspended", "Healthy", judged_object(kind, [ready], spec={"suspend": "None"})))
    for name in sorted(samples.conditions_of(root, kind) - VERDICTS):
        for status in ("True", "False"):
            wanted = "Degraded" if (name, status) == ("Contested", "True") else "Healthy"
            cases.append((f"{name}={status}", wanted, judged_object(kind, [ready, condition(name, status)])))
            cases.append((f"stalled, {name}={status}", "Degraded",
                          judged_object(kind, [condition(name, status), stalled, not_ready])))
    return cases


def told_cases(root: pathlib.Path, kind: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Condition, its text, and an object that is ready all the same: whoever looks at Argo CD shall see it."""
    cases = []
    for name in sorted(samples.conditions_of(root, kind) - VERDICTS - SUMMED_UP):
        bad = "False" if name in ("Enforced", "CapacityAvailable", "MetricsAvailable") else "True"
        cases.append((name, f"text of {name}", judged_object(kind, [condition("Ready", "True"), condition(name, bad)])))
    return cases


def ask(root: pathlib.Path, question: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run([root / "hack/gitops", "judge"], input=json.dumps(question, default=str), capture_output=True,
                          text=True, timeout=900, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    return json.loads(done.stdout)


def questions(root: pathlib.Path, kind: str, objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The same objects for both tools."""
    script = samples.script(root, kind)
    expressions = {key: text for key, text in samples.flux_expressions(root)[kind].items()
                   if key in ("inProgress", "failed", "current")}
    return {"Scripts": [{"Script": script, "Object": judged} for judged in objects],
            "Expressions": [{"Expressions": expressions, "Object": judged} for judged in objects]}


def sample_problems(root: pathlib.Path, kind: str) -> list[str]:
    tests = list(samples.health_tests(root, kind))
    answers = ask(root, questions(root, kind, [judged for _, _, judged in tests]))
    problems = []
    for (path, wanted, judged), argo, flux in zip(tests, answers["scripts"], answers["expressions"], strict=True):
        if argo != wanted:
            problems.append(f"{kind}/{path.name}: {wanted} is wanted, the script says {argo}")
        # Flux goes on waiting when an expression has nothing to look at yet.
        seen = flux["status"] if "status" in judged else flux["status"] or "InProgress"
        if seen != FLUX_OF_ARGO[wanted["status"]]:
            problems.append(f"{kind}/{path.name}: {FLUX_OF_ARGO[wanted['status']]} is wanted, Flux sees {flux}")
    return problems


def written_problems(root: pathlib.Path, kind: str) -> list[str]:
    cases = written_cases(root, kind)
    told = told_cases(root, kind)
    answers = ask(root, questions(root, kind, [judged for _, _, judged in cases + told]))
    problems = []
    for (what, wanted, _), argo, flux in zip(cases, answers["scripts"], answers["expressions"]):
        if argo["status"] != wanted or not argo.get("message"):
            problems.append(f"{kind}, {what}: {wanted} is wanted, Argo CD shows {argo}")
        if flux["status"] != FLUX_OF_ARGO[wanted]:
            problems.append(f"{kind}, {what}: {FLUX_OF_ARGO[wanted]} is wanted, Flux sees {flux}")
    for (name, text, _), argo in zip(told, answers["scripts"][len(cases):], strict=True):
        if text not in argo.get("message", ""):
            problems.append(f"{kind}: {name} holds, and Argo CD shows nothing of it: {argo}")
    return problems


def flux_problems(root: pathlib.Path) -> list[str]:
    """Flux's objects fit Flux's own types, and a misspelt field would not."""
    found = [(path.name, document) for path in sorted((root / "manifests/gitops/flux").glob("*.yaml"))
             for document in samples.documents(path)]
    misspelt = []
    for _, document in found:
        broken = copy.deepcopy(document)
        broken["spec"]["intervall"] = "1m"
        misspelt.append(broken)
    answers = ask(root, {"FluxObjects": [document for _, document in found] + misspelt})["fluxObjects"]
    problems = []
    for (name, document), answer, broken in zip(found, answers, answers[len(found):]):
        if answer:
            problems.append(f"{name}: {document['kind']}: {answer}")
        if "intervall" not in broken:
            problems.append(f"{name}: {document['kind']}: a misspelt field would not be noticed")
    return problems


def lint_problems(root: pathlib.Path, program: pathlib.Path) -> list[str]:
    """The samples are objects that the API server would take. Their days pass, so warnings do not count."""
    done = subprocess.run([program, "lint", "-f", root / samples.CUSTOMIZATIONS], capture_output=True, text=True,
                          timeout=60, check=False)
    # All are of the same few names, which together would be too many of one; and tests of Argo CD are no manifests.
    problems = [line for line in done.stdout.splitlines() if ": error: " in line and "[schema" in line]
    return problems if "objects of Headroom" in done.stdout else [done.stdout + done.stderr]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("--headroom", type=pathlib.Path)
    options = parser.parse_args()
    problems = flux_problems(options.root)
    cases = 0
    for kind in samples.kinds(options.root):
        problems += sample_problems(options.root, kind) + written_problems(options.root, kind)
        cases += len(list(samples.health_tests(options.root, kind))) + len(written_cases(options.root, kind))
    if options.headroom:
        problems += lint_problems(options.root, options.headroom)
    for problem in problems:
        print(problem)
    print(f"{cases} cases, {len(problems)} problems")
    return 1 if problems or cases < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
