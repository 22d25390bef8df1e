"""The chart as tests use it: rendered by the Helm of a version, its values files, its objects."""
import functools
import json
import os
import pathlib
import subprocess
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "headroom"
HELM_VERSIONS = ("3", "4")
NAMESPACE = "headroom-system"
# Helm 3 takes every cluster that it has not asked for one of 1.20.
KUBERNETES = ("--kube-version", "1.36.0")
SECONDS = 120

# What users have configured for Helm is not for tests, nor what tests leave for users.
_HOME = tempfile.TemporaryDirectory(prefix="headroom-helm-")
_ENVIRONMENT = {**os.environ, **{f"HELM_{name}_HOME": f"{_HOME.name}/{name}" for name in ("CACHE", "CONFIG", "DATA")}}
# The standard library's parser of YAML is slow where LibYAML is not there.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Refused(Exception):
    """What Helm said when it failed."""


def hack(script, *arguments, seconds=900):
    """What a script of hack/ prints."""
    with tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run([ROOT / "hack" / script, *map(str, arguments)], stdout=subprocess.PIPE, stderr=errors,
                              text=True, timeout=seconds, check=False)
        if done.returncode != 0:
            errors.seek(0)
            raise Refused(f"hack/{script} {' '.join(map(str, arguments))}:\n{done.stdout}{errors.read()}")
        return done.stdout


@functools.cache
def _program(version):
    return hack("helm", version, "--path", seconds=3600).strip()


def helm(version, *arguments, seconds=SECONDS):
    """What it prints on standard output; Refused with its words when it fails."""
    done = subprocess.run([_program(version), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env=_ENVIRONMENT, timeout=seconds, cwd=ROOT, check=False)
    if done.returncode != 0:
        raise Refused(done.stdout + done.stderr)
    return done.stdout


def values_files():
    """Name → file of charts/headroom/ci: one for each option."""
    return {path.name.removesuffix("-values.yaml"): path for path in sorted((CHART / "ci").glob("*-values.yaml"))}


def template(version, *arguments):
    """The text that Helm makes of the chart; hooks included."""
    return helm(version, "template", "headroom", CHART, "--namespace", NAMESPACE, *KUBERNETES, *arguments)


def load_all(text):
    return [each for each in yaml.load_all(text, _LOADER) if each]


def load(path):
    return yaml.load(path.read_text(encoding="utf-8"), _LOADER)


def render(version, *arguments):
    return load_all(template(version, *arguments))


def render_file(version, path):
    return render(version, "--values", path)


def name_of(resource):
    meta = resource["metadata"]
    return "/".join(filter(None, (resource["kind"], meta.get("namespace"), meta["name"])))


def of_kind(objects, *kinds):
    return [each for each in objects if each["kind"] in kinds]


def find(objects, kind, name):
    found = [each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} of {kind}/{name}, not one")
    return found[0]


def pod_specs(objects):
    """(name of the object, spec) of all pods that the chart makes."""
    for each in objects:
        if each["kind"] == "Pod":
            yield name_of(each), each["spec"]
        elif "template" in each.get("spec", {}):
            yield name_of(each), each["spec"]["template"]["spec"]


def schema():
    return json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
