"""What the tests of manifests/gitops share: where things are, and reading them."""
import functools
import pathlib
import re
from typing import Any, Iterator

import yaml

# The webhook's own bookkeeping, in no Git and with no conditions.
INTERNAL = {"LimitLedger"}
CUSTOMIZATIONS = "manifests/gitops/argocd/resource_customizations/headroom.dev"

# Where the programs write the conditions of each kind.
WRITERS = {
    "ScaleTarget": "operator/controllers/target_conditions.cc",
    "FestivalSchedule": "operator/controllers/schedule_status.cc",
    "Region": "operator/controllers/region_status.cc",
    "ScaleLimit": "webhook/app/limit_status.cc",
    "ClusterScaleLimit": "webhook/app/limit_status.cc",
}
# set_while() has what it depends on before the type; with the others the type comes first.
WRITTEN = re.compile(r"""\b(?:put|set|abnormal|put_obstacle)\(\s*(?:conditions,\s*)?"([A-Z]\w+)\"""")
WRITTEN_WHILE = re.compile(r"""\bset_while\([^"]*?,\s*"([A-Z]\w+)\"""")
NAMED = re.compile(r"constexpr char k\w+\[\] = \"([A-Z]\w+)\";")


@functools.lru_cache(maxsize=None)
def kinds(root: pathlib.Path) -> list[str]:
    names = {document["spec"]["names"]["kind"] for path in (root / "crds").glob("*.yaml")
             for document in yaml.safe_load_all(path.read_text()) if document}
    return sorted(names - INTERNAL)


def documents(path: pathlib.Path) -> Iterator[dict[str, Any]]:
    yield from (document for document in yaml.safe_load_all(path.read_text()) if document)


def health_tests(root: pathlib.Path, kind: str) -> Iterator[tuple[pathlib.Path, dict[str, str], dict[str, Any]]]:
    """Path, expected health and object of each case, as Argo CD's own test reads them."""
    folder = root / CUSTOMIZATIONS / kind
    for test in yaml.safe_load((folder / "health_test.yaml").read_text())["tests"]:
        path = folder / test["inputPath"]
        yield path, test["healthStatus"], yaml.safe_load(path.read_text())


def script(root: pathlib.Path, kind: str) -> str:
    return (root / CUSTOMIZATIONS / kind / "health.lua").read_text()


def conditions_of(root: pathlib.Path, kind: str) -> set[str]:
    """Types of the conditions that the programs write, by their sources."""
    source = root / WRITERS[kind]
    text = source.read_text()
    found = set(WRITTEN.findall(text)) | set(WRITTEN_WHILE.findall(text))
    if kind in ("ScaleLimit", "ClusterScaleLimit"):
        # The names of two of them are constants of the headers.
        headers = [source.with_name("enforcement.h"), source.with_suffix(".h")]
        found |= {name for header in headers for name in NAMED.findall(header.read_text())}
    if kind == "FestivalSchedule":
        found |= set(NAMED.findall(text))
    return found


@functools.lru_cache(maxsize=None)
def flux_expressions(root: pathlib.Path) -> dict[str, dict[str, str]]:
    for document in documents(root / "manifests/gitops/flux/capacity.yaml"):
        if document["kind"] == "Kustomization":
            return {check["kind"]: check for check in document["spec"]["healthCheckExprs"]}
    raise ValueError("flux/capacity.yaml has no Kustomization")
