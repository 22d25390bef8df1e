#!/usr/bin/env python3
"""Every query of a dashboard can be answered, and every rule evaluated, by a Prometheus that scrapes the real programs:
what cannot be joined is found only there.

Usage: queries_test.py SOURCE_ROOT PROMETHEUS_URL
"""
import json
import pathlib
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

import promql

# Of the panels, those that show something while nothing is wrong.
MOST_PANELS = 0.8


def ask(url: str, path: str) -> dict:
    try:
        with urllib.request.urlopen(url + path, timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def main(root: pathlib.Path, url: str) -> int:
    problems, empty, asked = [], [], 0
    for path, dashboard in promql.dashboards(root):
        for where, expression in promql.queries(dashboard):
            asked += 1
            # As Grafana does it: "all" of a variable is any value, and the interval at least four scrapes.
            plain = re.sub(r"\$\w+", ".*", expression.replace("$__rate_interval", "30s"))
            answer = ask(url, "/api/v1/query?" + urllib.parse.urlencode({"query": plain}))
            if answer["status"] != "success":
                problems.append(f"{path.name}: {where}: {answer['error']}")
            elif not answer["data"]["result"]:
                empty.append(f"{path.name}: {where}")
    if len(empty) > asked * (1 - MOST_PANELS):
        problems.append("nothing to show: " + "; ".join(empty))
    evaluated = 0
    for group in ask(url, "/api/v1/rules")["data"]["groups"]:
        for rule in group["rules"]:
            evaluated += 1
            if rule["health"] != "ok":
                problems.append(f"{rule['name']}: {rule['health']} {rule.get('lastError', '')}")
    if evaluated != sum(1 for _ in promql.rules(root)):
        problems.append(f"only {evaluated} rules are evaluated")
    for problem in problems:
        print(problem)
    print(f"{asked} queries, {len(empty)} of them with nothing to show; {evaluated} rules; {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2]))
