#!/usr/bin/env python3
"""Dashboards: what no schema says. With --schema, Grafana's own schema, too, and that it notices a misspelt field.

Usage: dashboards_test.py SOURCE_ROOT [--schema]
"""
import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import promql

DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WITHOUT_UNIT = {"row", "table", "state-timeline"}


def overlap(one: dict, other: dict) -> bool:
    return (one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"] and
            one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"])


def panel_problems(panel: dict, variables: set[str]) -> list[str]:
    problems = []
    if panel["type"] == "row":
        return problems
    if not panel.get("description"):
        problems.append("no description")
    if panel["type"] not in WITHOUT_UNIT and not panel["fieldConfig"]["defaults"].get("unit"):
        problems.append("no unit")
    if panel.get("datasource") != DATA_SOURCE or not panel["targets"]:
        problems.append("no queries of the data source that is chosen above")
    for target in panel["targets"]:
        if target.get("datasource") != DATA_SOURCE:
            problems.append("a query of another data source")
        for used in re.findall(r"\$\{?(\w+)", target["expr"]):
            if used not in variables and used != "__rate_interval":
                problems.append(f"there is no variable {used}")
        if re.search(r"\brate\([^[]*\[\$__rate_interval\]", target["expr"]) and target["instant"]:
            problems.append("an instant query has no interval")
    if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24:
        problems.append("wider than the grid")
    return problems


def problems_of(dashboard: dict) -> list[str]:
    problems = []
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    if dashboard["templating"]["list"][0]["type"] != "datasource":
        problems.append("the first variable is not the data source")
    if not dashboard["description"] or "headroom" not in dashboard["tags"]:
        problems.append("no description or no tag")
    if "://" in json.dumps(dashboard):
        problems.append("names a host")
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(ids) != len(set(ids)):
        problems.append("two panels have one id")
    titles = [panel["title"] for panel in dashboard["panels"]]
    problems += [f"two panels are called {title}" for title in sorted(set(titles)) if titles.count(title) > 1]
    for panel in dashboard["panels"]:
        problems += [f"{panel['title']}: {problem}" for problem in panel_problems(panel, variables)]
    for i, one in enumerate(dashboard["panels"]):
        for other in dashboard["panels"][:i]:
            if overlap(one["gridPos"], other["gridPos"]):
                problems.append(f"{one['title']} lies over {other['title']}")
    return problems


def expression_problems(root: pathlib.Path) -> list[str]:
    """What Prometheus' own parser says of the queries, as rules that record them."""
    rules = []
    for number, (where, expression) in enumerate(promql.expressions(root)):
        plain = re.sub(r"\$__rate_interval", "5m", expression)
        rules.append({"record": f"checked:expression:{number}", "expr": plain, "labels": {"where": where}})
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump({"groups": [{"name": "checked", "rules": rules}]}, file)
        file.flush()
        done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True, timeout=60,
                              check=False)
    return [] if done.returncode == 0 else [done.stdout + done.stderr]


def schema_problems(root: pathlib.Path, dashboards: list[dict]) -> list[str]:
    def check(board: dict) -> str:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(board, file)
            file.flush()
            done = subprocess.run([root / "hack/dashboards", "check", file.name], capture_output=True, text=True,
                                  timeout=600, check=False)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    problems = [f"{board['uid']}: {found}" for board in dashboards if (found := check(board))]
    edits = [("refreshh", lambda board: board.update(refreshh="1s")),
             ("gridPoss", lambda board: board["panels"][1].update(gridPoss={})),
             ("legendFormatt", lambda board: board["panels"][1]["targets"][0].update(legendFormatt="")),
             ("graphModee", lambda board: board["panels"][1]["options"].update(graphModee="none")),
             ("type", lambda board: board["panels"][1].update(type="piecharts")),
             ("decimals", lambda board: board["panels"][1]["fieldConfig"]["defaults"].update(decimals="2")),
             ("expr", lambda board: board["panels"][1]["targets"][0].pop("expr"))]
    for field, edit in edits:
        board = copy.deepcopy(dashboards[0])
        edit(board)
        if field not in check(board):
            problems.append(f"the schema would not notice {field}")
    return problems


def main(root: pathlib.Path, schema: bool) -> int:
    found = list(promql.dashboards(root))
    problems = [f"{path.name}: {problem}" for path, board in found for problem in problems_of(board)]
    problems += [f"{path.name}: its uid is {board['uid']}" for path, board in found if board["uid"] != path.stem]
    problems += expression_problems(root)
    if schema:
        problems += schema_problems(root, [board for _, board in found])
    for problem in problems:
        print(problem)
    panels = sum(len(board["panels"]) for _, board in found)
    print(f"{len(found)} dashboards, {panels} panels, {len(problems)} problems")
    return 1 if problems or len(found) < 4 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), "--schema" in sys.argv[2:]))
