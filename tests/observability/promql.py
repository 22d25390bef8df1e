"""What rules and dashboards ask for: expressions, and the names of metrics and labels in them."""
import json
import pathlib
import re

import yaml

KEYWORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset",
            "inf", "nan", "e"}
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
RANGE = re.compile(r"\[[^\]]*\]")
SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)?\s*\{([^}]*)\}")
NAME = re.compile(r"(?<![\w.:$])([a-zA-Z_:][\w:]*)(?!\w)(?!\s*\()")
NUMBER = re.compile(r"(?<![\w:])\d+(?:\.\d+)?(?:e[+-]?\d+)?\b")


def metrics_of(expression: str) -> set[str]:
    """Names of the series that a PromQL expression selects."""
    text = STRING.sub('""', expression)
    text = GROUPING.sub(" ", text)
    text = RANGE.sub(" ", text)
    text = NUMBER.sub(" ", text)
    text = re.sub(r"\{[^}]*\}", " ", text)
    return {name for name in NAME.findall(text) if name.lower() not in KEYWORDS}


def matched_labels(expression: str) -> list[tuple[str, str]]:
    """(metric, label) for each matcher in braces."""
    text = STRING.sub('""', expression)
    found = []
    for metric, matchers in SELECTOR.findall(text):
        for label in re.findall(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)", matchers):
            found.append((metric, label))
    return found


def rules(root: pathlib.Path):
    """(file, group, rule) of every rule."""
    for path in sorted((root / "charts/headroom/rules").glob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                yield path, group["name"], rule


def dashboards(root: pathlib.Path):
    """(file, dashboard) of every dashboard."""
    for path in sorted((root / "charts/headroom/dashboards").glob("*.json")):
        yield path, json.loads(path.read_text())


def queries(dashboard: dict):
    """(where, expression) of each query of a dashboard: panels, annotations, variables."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield f"annotation {annotation['name']}", annotation["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", re.fullmatch(r"label_values\((.*), \w+\)", variable["definition"])[1]


def expressions(root: pathlib.Path):
    """(where, expression) of everything."""
    for path, _, rule in rules(root):
        yield f"{path.name}: {rule['alert']}", rule["expr"]
    for path, dashboard in dashboards(root):
        for where, expression in queries(dashboard):
            yield f"{path.name}: {where}", expression


def family(name: str) -> str:
    """Of a histogram's series the histogram."""
    return re.sub(r"_(bucket|sum|count)$", "", name)
