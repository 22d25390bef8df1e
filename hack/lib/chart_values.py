#!/usr/bin/env python3
"""Prints a chart's README.md with its table of values made anew from values.yaml and values.schema.json.

usage: chart_values.py CHART_FOLDER. Fails when a value has no description, or the two files do not know the same
values.
"""

import json
import pathlib
import sys

import yaml

BEGIN, END = "<!-- values: made by hack/chart -->", "<!-- end of values -->"


def children(schema):
    """The described members of a value; none where users fill it freely."""
    return schema.get("properties", {})


def rows(schema, default, path):
    """Table rows of one value and those below it, in the order of values.yaml."""
    members = children(schema)
    if not isinstance(default, dict) or not members or not default:
        if not schema.get("description"):
            raise SystemExit(f"{path}: has no description in values.schema.json")
        shown = json.dumps(default, ensure_ascii=False)
        if len(shown) > 60:
            shown = "see values.yaml"
        return [f"| `{path}` | {shown if shown == 'see values.yaml' else f'`{shown}`'} | {schema['description']} |"]
    unknown = sorted(set(default) - set(members))
    if unknown:
        raise SystemExit(f"{path or 'values'}: values.schema.json does not know {', '.join(unknown)}")
    missing = sorted(set(members) - set(default) - {"global"})
    if missing:
        raise SystemExit(f"{path or 'values'}: values.yaml lacks {', '.join(missing)}")
    table = []
    for name, value in default.items():
        table += rows(members[name], value, f"{path}.{name}" if path else name)
    return table


def main():
    chart = pathlib.Path(sys.argv[1])
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    readme = (chart / "README.md").read_text(encoding="utf-8")
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{chart}/README.md: has no place for the table, between {BEGIN} and {END}")
    table = ["| Value | Default | What for |", "|---|---|---|", *rows(schema, values, "")]
    sys.stdout.write(before + BEGIN + "\n" + "\n".join(table) + "\n" + END + after)


if __name__ == "__main__":
    main()
