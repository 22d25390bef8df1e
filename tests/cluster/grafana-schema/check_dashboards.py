"""Holds dashboards against Grafana's own schema, as its foundation SDK has it in Python types: every field must be
known and of its type, in panels' options and in queries, too. Prints what is wrong, with its path.

Usage: check_dashboards.py FILE...   Exit status: 0 all is well, 1 something is wrong, 2 wrong usage.
"""
import enum
import functools
import json
import sys
import typing

from grafana_foundation_sdk.cog import plugins, runtime, variants
from grafana_foundation_sdk.models import dashboard

JSON_NAMES = {bool: "true or false", dict: "an object", float: "a number", int: "a whole number", list: "a list",
              str: "a string"}


def is_model(hint) -> bool:
    return isinstance(hint, type) and hasattr(hint, "from_json")


@functools.cache
def types_of_fields(model: type) -> dict[str, object]:
    """JSON name -> type."""
    hints = typing.get_type_hints(model)
    marked = model.__new__(model)
    for attribute in hints:
        setattr(marked, attribute, attribute)
    return {name: hints[attribute] for name, attribute in marked.to_json().items()}


@functools.cache
def required_fields(model: type) -> list[str]:
    """What must be there: the SDK always writes it, and has no value for it unless it is told one."""
    return [name for name, value in model().to_json().items() if value in ("", None)]


def model_for(value: dict, models: list[type]) -> type | None:
    """The one of several models that an object's field `type` tells it is; one of them may take every other type."""
    by_type = {model().to_json()["type"]: model for model in models}
    return by_type.get(str(value.get("type")), by_type.get(""))


def problem_of_scalar(hint, value) -> str | None:
    accepted = typing.get_args(hint)  # of a Literal
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        accepted = [member.value for member in hint]
    if accepted:
        fits = any(type(each) is type(value) and each == value for each in accepted)
        return None if fits else f"must be one of {json.dumps(accepted)}, is {json.dumps(value)}"
    fits = isinstance(value, (int, float) if hint is float else hint) and (hint is bool or not isinstance(value, bool))
    return None if fits else f"must be {JSON_NAMES[hint]}, is {json.dumps(value)}"


def problems_of_union(alternatives: list, value, path: str):
    if value is None and type(None) in alternatives:
        return
    alternatives = [each for each in alternatives if each is not type(None)]
    if len(alternatives) > 1 and isinstance(value, dict) and all(map(is_model, alternatives)):
        model = model_for(value, alternatives)
        if model is None:
            yield f"{path}.type: {json.dumps(value.get('type'))} is not known"
            return
        alternatives = [model]
    yield from min((list(problems(each, value, path)) for each in alternatives), key=len)


def problems_of_model(model: type, value, path: str):
    if not isinstance(value, dict):
        yield f"{path}: {problem_of_scalar(dict, value)}"
        return
    types = types_of_fields(model)
    for name, inner in value.items():
        if name in types:
            yield from problems(types[name], inner, f"{path}.{name}")
        else:
            yield f"{path}.{name}: is not known"
    for name in required_fields(model):
        if name not in value:
            yield f"{path}.{name}: is missing"
    if model is dashboard.Panel:
        yield from problems_of_plugins(value, path)


def problems_of_plugins(panel: dict, path: str):
    """What the types of a panel leave open, because the kind of the panel and that of its data source decide it."""
    def inside(value, *names):
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def check(hook, value, where):
        if hasattr(hook, "__self__"):
            yield from problems(hook.__self__, value, f"{path}{where}")
        else:
            yield f"{path}{where}: nothing is known of what belongs there"

    plugin = runtime.panelcfg_config(str(panel.get("type")))
    if plugin is None:
        yield f"{path}.type: {json.dumps(panel.get('type'))} is not known"
        return
    if "options" in panel:
        yield from check(plugin.options_from_json_hook, panel["options"], ".options")
    if custom := inside(panel, "fieldConfig", "defaults", "custom"):
        yield from check(plugin.field_config_from_json_hook, custom, ".fieldConfig.defaults.custom")
    targets = panel.get("targets")
    for index, target in enumerate(targets if isinstance(targets, list) else []):
        source = inside(target, "datasource", "type") or inside(panel, "datasource", "type")
        query = runtime.Runtime().dataquery_variants.get(str(source))
        yield from check(query and query.from_json_hook, target, f".targets[{index}]")


def problems(hint, value, path: str):
    """What is wrong with a value that the SDK has a type for."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in (object, typing.Any, variants.Dataquery):
        return
    if origin is typing.Union:
        yield from problems_of_union(list(arguments), value, path)
    elif origin in (list, dict) and not isinstance(value, origin):
        yield f"{path}: {problem_of_scalar(origin, value)}"
    elif origin is list:
        for index, item in enumerate(value):
            yield from problems(arguments[0], item, f"{path}[{index}]")
    elif origin is dict:
        for name, item in value.items():
            yield from problems(arguments[1], item, f"{path}.{name}")
    elif is_model(hint):
        yield from problems_of_model(hint, value, path)
    elif problem := problem_of_scalar(hint, value):
        yield f"{path}: {problem}"


def main(paths: list[str]) -> int:
    if not paths:
        print("usage: check_dashboards.py FILE...", file=sys.stderr)
        return 2
    plugins.register_default_plugins()
    failed = False
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                found = list(problems(dashboard.Dashboard, json.load(file), ""))
        except (OSError, ValueError) as error:
            found = [str(error)]
        for problem in found:
            print(f"{path}: {problem.removeprefix('.')}")
        failed = failed or bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
