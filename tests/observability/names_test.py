#!/usr/bin/env python3
"""Every metric that a rule or a dashboard asks for exists: in the sources, or, given what programs have really
exported, there, with the labels that it is asked by.

Usage: names_test.py SOURCE_ROOT [--operator FILE --webhook FILE --api-server FILE]
"""
import argparse
import pathlib
import re
import sys

import promql

# Not ours, and not known here: a system's own metrics, with names that can be changed.
OF_AGENTS = re.compile(r"agent_")
OF_API_SERVER = re.compile(r"apiserver_")
# Put there by whoever scrapes.
SCRAPED_LABELS = {"job", "instance", "namespace", "pod", "le"}
# Shown only once something happens that the programs of the test do not meet.
ONLY_WHEN_IT_HAPPENS = {
    "apiserver_admission_webhook_fail_open_count",
    "headroom_limit_unlanded",
    "headroom_notifications_dropped",
    "headroom_notifications_total",
    "headroom_undecodable_objects_total",
}
SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ")


def in_sources(root: pathlib.Path) -> set[str]:
    """Names of metrics as the sources spell them."""
    names = set()
    for folder in ("operator", "webhook"):
        for path in (root / folder).rglob("*.cc"):
            names.update(re.findall(r'"([a-z]+(?:_[a-z0-9]+)+)"', path.read_text()))
    return names


def exported(path: pathlib.Path) -> dict[str, set[str]]:
    """Metric -> names of its labels, from a page of /metrics."""
    found: dict[str, set[str]] = {}
    for line in path.read_text().splitlines():
        if sample := SAMPLE.match(line):
            labels = re.findall(r'([a-zA-Z_]\w*)="(?:[^"\\]|\\.)*"', sample[2] or "")
            found.setdefault(promql.family(sample[1]), set()).update(labels)
            found.setdefault(sample[1], set()).update(labels)
    return found


def unknown_names(expressions, known: set[str]) -> list[str]:
    problems = []
    for where, expression in expressions:
        for name in sorted(promql.metrics_of(expression)):
            if OF_AGENTS.match(name) or OF_API_SERVER.match(name):
                continue
            if name not in known and promql.family(name) not in known:
                problems.append(f"{where}: there is no metric {name}")
    return problems


def not_exported(expressions, pages: dict[str, set[str]]) -> list[str]:
    problems = []
    for where, expression in expressions:
        for name in sorted(promql.metrics_of(expression)):
            if OF_AGENTS.match(name) or name in ONLY_WHEN_IT_HAPPENS:
                continue
            if name not in pages:
                problems.append(f"{where}: no program exports {name}")
        for name, label in promql.matched_labels(expression):
            if name in pages and label not in pages[name] | SCRAPED_LABELS:
                problems.append(f"{where}: {name} has no label {label}")
    return problems


def see_it_fail(expressions, known: set[str]) -> list[str]:
    """The check itself: a name with a letter too much must be found in every expression that asks for one of ours."""
    problems = []
    for where, expression in expressions:
        for name in promql.metrics_of(expression) & known:
            misspelt = re.sub(rf"\b{name}\b", f"{name}x", expression)
            if not unknown_names([(where, misspelt)], known):
                problems.append(f"{where}: {name} could be misspelt and nobody would notice")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=pathlib.Path)
    for page in ("operator", "webhook", "api-server"):
        parser.add_argument(f"--{page}", type=pathlib.Path)
    arguments = parser.parse_args()
    expressions = list(promql.expressions(arguments.root))
    known = in_sources(arguments.root)
    problems = unknown_names(expressions, known) + see_it_fail(expressions, known)
    pages: dict[str, set[str]] = {}
    for page in (arguments.operator, arguments.webhook, arguments.api_server):
        if page:
            for name, labels in exported(page).items():
                pages.setdefault(name, set()).update(labels)
    if pages:
        problems += not_exported(expressions, pages)
        seen = sorted(ONLY_WHEN_IT_HAPPENS & pages.keys())
        problems += [f"{name} is exported: take it out of the list of those that are not" for name in seen]
    for problem in problems:
        print(problem)
    print(f"{len(expressions)} expressions, {len(problems)} problems")
    return 1 if problems or len(expressions) < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
