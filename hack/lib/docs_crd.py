#!/usr/bin/env python3
"""Prints a page of reference, in Markdown, made from a CustomResourceDefinition.

usage: docs_crd.py CRD_FILE. Fails when a field of spec or status has no description and is not explained by the list
that it is an item of.
"""

import re
import sys

import yaml

# Tables of Markdown end a cell at a bar, wherever it stands.
BAR = "\\|"
RULES = "What the API server answers when a rule is broken:"


def cell(text):
    return " ".join(str(text).split()).replace("|", BAR)


def code(text):
    return f"`{cell(text)}`"


def value(item):
    """A value as YAML would take it."""
    return yaml.safe_dump(item, default_flow_style=True, allow_unicode=True, width=10**6).removesuffix("...\n").strip()


def type_name(schema):
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {type_name(schema['items'])}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map of {type_name(schema['additionalProperties'])}"
    if "enum" in schema:
        return "enum"
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def between(low, high, unit):
    """A range in words; none where neither end is given."""
    if low is None and high is None:
        return []
    if low is None:
        return [f"at most {high}{unit}"]
    if high is None:
        return [f"at least {low}{unit}"]
    return [f"exactly {low}{unit}" if low == high else f"{low} to {high}{unit}"]


def bounds(schema):
    """What the value may be, beside its type."""
    said = []
    if "enum" in schema:
        said.append(", ".join(code(value(one)) for one in schema["enum"]))
    said += between(schema.get("minimum"), schema.get("maximum"), "")
    said += between(schema.get("minLength"), schema.get("maxLength"), " characters")
    said += between(schema.get("minItems"), schema.get("maxItems"), " items")
    said += between(schema.get("minProperties"), schema.get("maxProperties"), " entries")
    if "pattern" in schema:
        said.append(f"matches {code(schema['pattern'])}")
    keys = schema.get("x-kubernetes-list-map-keys")
    if keys:
        said.append(f"unique by {', '.join(code(key) for key in keys)}")
    elif schema.get("x-kubernetes-list-type") == "set":
        said.append("no item twice")
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        said.append("further fields are kept as they are")
    items = schema.get("items", schema.get("additionalProperties"))
    if isinstance(items, dict) and not items.get("properties"):
        said += [f"each: {bound}" for bound in bounds(items)]
    return said


def spoken(expression):
    """A CEL expression that puts a sentence together, as the sentence, with <what is filled in> in brackets."""
    literal = r"'((?:[^'\\]|\\.)*)'"
    formatted = re.fullmatch(literal + r"\.format\(\[(.*)\]\)", expression)
    if formatted and formatted[1].count("%") == len(re.findall("%[ds]", formatted[1])):
        arguments = iter(part.strip() for part in formatted[2].split(","))
        return re.sub("%[ds]", lambda _: f"<{next(arguments)}>", formatted[1])
    pieces = re.split(literal, expression)
    fillings = [piece.strip() for piece in pieces[::2]]
    if not all(re.fullmatch(r"\+?\s*[^+]*?\s*\+?", filling) for filling in fillings):
        return None
    fillings = [filling.strip("+ ") for filling in fillings]
    words = [f"<{filling}>" if filling else "" for filling in fillings]
    return "".join(a + b for a, b in zip(words, [*pieces[1::2], ""]))


def message(rule):
    """The words of a CEL rule, as Markdown."""
    text = rule.get("message") or spoken(rule["messageExpression"])
    return cell(text).replace("<", "&lt;") if text else code(rule["messageExpression"])


class Page:
    """Rows of one top-level field, and the rules met on the way."""

    def __init__(self):
        self.rows, self.rules = [], []

    def add(self, path, schema, required, described_above=False):
        description = schema.get("description", "")
        if not description and not described_above:
            raise SystemExit(f"{path}: has no description")
        if not described_above:
            shown_default = code(value(schema["default"])) if "default" in schema else ""
            needed = "**required**" if required else ""
            self.rows.append(f"| `{path}` | {type_name(schema)} | {needed or shown_default} | "
                             f"{'; '.join(bounds(schema))} | {cell(description)} |")
        for rule in schema.get("x-kubernetes-validations", []):
            self.rules.append(f"- `{path}`: {message(rule)}")
        items = schema.get("items")
        if items:
            self.add(f"{path}[]", items, False, described_above=True)
        elif isinstance(schema.get("additionalProperties"), dict):
            self.add(f"{path}.*", schema["additionalProperties"], False, described_above=True)
        for name, child in schema.get("properties", {}).items():
            self.add(f"{path}.{name}", child, name in schema.get("required", []))

    def text(self):
        table = ["| Field | Type | Default | Bounds | What for |", "|---|---|---|---|---|", *self.rows]
        rules = ["", RULES, "", *self.rules] if self.rules else []
        return [*table, *rules]


def part(name, schema):
    """A section for spec or status: what it is, then a table for each of its fields, with all that lies below."""
    lines = [f"## {name}", "", " ".join(schema.get("description", "").split()), ""]
    rules = [f"- {message(rule)}" for rule in schema.get("x-kubernetes-validations", [])]
    if rules:
        lines += [RULES, "", *rules, ""]
    for field, child in schema.get("properties", {}).items():
        page = Page()
        page.add(f"{name}.{field}", child, field in schema.get("required", []))
        lines += [f"### {name}.{field}", "", *page.text(), ""]
    return lines


def columns(version):
    rows = ["| Column | From | Shown | What for |", "|---|---|---|---|"]
    for column in version.get("additionalPrinterColumns", []):
        shown = "with `-o wide`" if column.get("priority") else "always"
        rows.append(f"| {column['name']} | {code(column['jsonPath'])} | {shown} | {cell(column.get('description', ''))} |")
    return rows


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        definition = yaml.safe_load(file)["spec"]
    names = definition["names"]
    lines = [f"# {names['kind']}", "", "<!-- Made by hack/docs from crds/; edit there. -->", ""]
    for version in definition["versions"]:
        schema = version["schema"]["openAPIV3Schema"]
        short = ", ".join(f"`{one}`" for one in names.get("shortNames", []))
        scope = "in a namespace" if definition["scope"] == "Namespaced" else "of the whole cluster"
        lines += [" ".join(schema["description"].split()), "",
                  f"`apiVersion: {definition['group']}/{version['name']}`, {scope}; `kubectl get {names['plural']}`"
                  + (f", short {short}." if short else "."), ""]
        whole = schema.get("x-kubernetes-validations", [])
        if whole:
            lines += [RULES, "", *[f"- {message(rule)}" for rule in whole], ""]
        lines += ["## Columns", "", *columns(version), ""]
        for name, child in schema["properties"].items():
            if name not in ("apiVersion", "kind", "metadata"):
                lines += part(name, child)
    sys.stdout.write("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
