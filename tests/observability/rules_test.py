#!/usr/bin/env python3
"""Alert rules: promtool accepts them, each has been seen to fire and to be silent, says what an operator needs, and has
its section in docs/operations/alerts.md.

Usage: rules_test.py SOURCE_ROOT
"""
import pathlib
import re
import subprocess
import sys

import promql
import yaml

SEVERITIES = {"info", "warning", "critical"}
# What a section tells, in this order.
PARTS = ["Means", "Ignored", "Look", "Do"]


def run(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    return [] if done.returncode == 0 else [f"{' '.join(command[:3])}: {done.stdout}{done.stderr}"]


def wording(rule: dict) -> list[str]:
    problems, name = [], rule["alert"]
    annotations = rule.get("annotations", {})
    if rule.get("labels", {}).get("severity") not in SEVERITIES:
        problems.append(f"{name}: severity is none of {sorted(SEVERITIES)}")
    for key in ("summary", "description", "runbook_url"):
        if not annotations.get(key):
            problems.append(f"{name}: no {key}")
    if not annotations.get("runbook_url", "").endswith(f"docs/operations/alerts.md#{name.lower()}"):
        problems.append(f"{name}: runbook_url leads elsewhere")
    if len(annotations.get("summary", "")) > 140:
        problems.append(f"{name}: the summary is longer than a line")
    return problems


def tested(root: pathlib.Path) -> dict[str, set[str]]:
    """Alert -> "fires", "silent": what tests have seen of it."""
    seen: dict[str, set[str]] = {}
    for path in sorted((root / "tests/observability/rules").glob("*_test.yaml")):
        for test in yaml.safe_load(path.read_text())["tests"]:
            for case in test["alert_rule_test"]:
                seen.setdefault(case["alertname"], set()).add("fires" if case["exp_alerts"] else "silent")
    return seen


def sections(text: str) -> dict[str, list[str]]:
    """Heading of the third level -> the parts of its section, by their first words in bold."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^### ", text, flags=re.M)[1:]:
        heading, _, body = part.partition("\n")
        found[heading.strip()] = re.findall(r"^\*\*(\w+)\.\*\*", body, flags=re.M)
    return found


def documented(alerts: list[str], text: str) -> list[str]:
    found = sections(text)
    problems = [f"docs/operations/alerts.md: no section about {alert}" for alert in alerts if alert not in found]
    problems += [f"docs/operations/alerts.md: there is no alert {name}" for name in found if name not in alerts]
    problems += [f"docs/operations/alerts.md: {name} has {parts}, not {PARTS}" for name, parts in found.items()
                 if parts != PARTS]
    for name, part in re.findall(r"^### (\w+)\n(.*?)(?=^### |^## |\Z)", text, flags=re.M | re.S):
        if "kubectl" not in part:
            problems.append(f"docs/operations/alerts.md: {name} names no command")
    return problems


def main(root: pathlib.Path) -> int:
    files = sorted(str(path) for path in (root / "charts/headroom/rules").glob("*.yaml"))
    tests = sorted(str(path) for path in (root / "tests/observability/rules").glob("*_test.yaml"))
    problems = run("promtool", "check", "rules", *files) + run("promtool", "test", "rules", *tests)
    alerts = [rule["alert"] for _, _, rule in promql.rules(root)]
    problems += [f"{name}: there are two" for name in alerts if alerts.count(name) > 1]
    for _, _, rule in promql.rules(root):
        problems += wording(rule)
    seen = tested(root)
    for name in alerts:
        for what in ("fires", "silent"):
            if what not in seen.get(name, set()):
                problems.append(f"{name}: no test in which it {'fires' if what == 'fires' else 'is silent'}")
    text = (root / "docs/operations/alerts.md").read_text()
    problems += documented(alerts, text)
    # The check itself: an alert without its section, and a section without its alert.
    if len(documented(alerts[1:] + ["HeadroomNothing"], text)) != 2:
        problems.append("a missing section, or one too many, would not be noticed")
    for problem in problems:
        print(problem)
    print(f"{len(alerts)} alerts, {len(problems)} problems")
    return 1 if problems or len(alerts) < 60 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
