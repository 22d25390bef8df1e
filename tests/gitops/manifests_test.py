#!/usr/bin/env python3
"""manifests/gitops is whole: each kind has its health in both tools, and the tools leave alone what Headroom writes.

Usage: manifests_test.py SOURCE_ROOT
"""
import pathlib
import re
import sys

import samples

WRITTEN_FIELDS = {
    "HorizontalPodAutoscaler": {"/spec/minReplicas", "/spec/maxReplicas"},
    "ScaledObject": {"/spec/minReplicaCount", "/spec/maxReplicaCount"},
    "Deployment": {"/spec/replicas"},
    "StatefulSet": {"/spec/replicas"},
    "Rollout": {"/spec/replicas"},
    "Cluster": {"/spec/instances"},
}
# API servers keep no owner of what is written through the /scale of custom resources.
BY_PATH_ONLY = {"Rollout", "Cluster"}


def constant(root: pathlib.Path, header: str, name: str) -> str:
    return re.search(rf'{name}\[\] = "([^"]+)"', (root / header).read_text())[1]


def health_problems(root: pathlib.Path) -> list[str]:
    problems = []
    expressions = samples.flux_expressions(root)
    settings = next(samples.documents(root / "manifests/gitops/argocd/argocd-cm.yaml"))["data"]
    for kind in samples.kinds(root):
        folder = root / samples.CUSTOMIZATIONS / kind
        tests = list(samples.health_tests(root, kind))
        wanted = {"Healthy", "Progressing", "Degraded"}
        if 'obj.spec.suspend' in samples.script(root, kind):
            wanted.add("Suspended")
        missing = wanted - {health["status"] for _, health, _ in tests}
        problems += [f"{kind} has no sample that is {status}" for status in sorted(missing)]
        unused = set((folder / "testdata").iterdir()) - {path for path, _, _ in tests}
        problems += [f"{path.relative_to(folder)} of {kind} is in no test" for path in sorted(unused)]
        problems += [f"{path.name} is a {judged['kind']}, not a {kind}" for path, _, judged in tests
                     if judged["kind"] != kind]
        if settings.get(f"resource.customizations.health.headroom.dev_{kind}", "") != samples.script(root, kind):
            problems.append(f"argocd-cm.yaml does not have the health of {kind}; run hack/gitops make")
        if kind not in expressions:
            problems.append(f"flux/capacity.yaml has no expressions for {kind}")
    problems += [f"argocd-cm.yaml: {key} is for no kind" for key in settings
                 if key.rpartition("_")[2] not in samples.kinds(root)]
    return problems


def sources_problems(root: pathlib.Path) -> list[str]:
    """The fields above are those that the engines write."""
    text = (root / "operator/controllers/engine_writes.cc").read_text()
    names = set(re.findall(r'return \{"(\w+)", "(\w+)"\};', text))
    known = {("minReplicas", "maxReplicas"), ("minReplicaCount", "maxReplicaCount")}
    return [f"engine_writes.cc: bounds are called {sorted(names)}"] if names != known else []


def argo_problems(root: pathlib.Path) -> list[str]:
    manager = constant(root, "operator/api/object.h", "kFieldManager")
    problems = []
    for path in sorted((root / "manifests/gitops/argocd").glob("*.yaml")):
        for application in samples.documents(path):
            if application["kind"] != "Application":
                continue
            spec = application["spec"]
            options = spec["syncPolicy"]["syncOptions"]
            if "ServerSideApply=true" not in options:
                problems.append(f"{path.name}: fields have owners with ServerSideApply=true only")
            if ("ignoreDifferences" in spec) != ("RespectIgnoreDifferences=true" in options):
                problems.append(f"{path.name}: ignoreDifferences and RespectIgnoreDifferences=true go together")
    workloads = next(samples.documents(root / "manifests/gitops/argocd/workloads.yaml"))
    rules = {rule["kind"]: rule for rule in workloads["spec"]["ignoreDifferences"]}
    for kind in [*WRITTEN_FIELDS, "ConfigMap"]:
        rule = rules.get(kind, {})
        if manager not in rule.get("managedFieldsManagers", []):
            problems.append(f"argocd/workloads.yaml: what {manager} writes in a {kind} is not ignored")
        paths = set(rule.get("jsonPointers", []))
        if paths != (WRITTEN_FIELDS[kind] if kind in BY_PATH_ONLY else set()):
            problems.append(f"argocd/workloads.yaml: {kind} goes by {sorted(paths)}")
    return problems


def flux_problems(root: pathlib.Path) -> list[str]:
    def annotation(header: str, name: str) -> str:
        return "/metadata/annotations/" + constant(root, header, name).replace("/", "~1")

    original = annotation("operator/api/object.h", "kOriginalAnnotation")
    switches = annotation("operator/controllers/switches.h", "kSwitchesAnnotation")
    workloads = next(samples.documents(root / "manifests/gitops/flux/workloads.yaml"))
    rules = {rule["target"]["kind"]: set(rule["paths"]) for rule in workloads["spec"]["ignore"]}
    problems = [f"flux/workloads.yaml: {kind} goes by {sorted(rules.get(kind, []))}"
                for kind, fields in WRITTEN_FIELDS.items() if rules.get(kind) != fields | {original}]
    if switches not in rules.get("ConfigMap", set()):
        problems.append(f"flux/workloads.yaml: ConfigMap lacks {switches}")
    return problems


def chart_problems(root: pathlib.Path) -> list[str]:
    """Neither tool's settings speak of the webhook's configuration, as no chart of ours renders it."""
    return [f"{path.name} renders a webhook configuration: its caBundle has to be ignored"
            for path in sorted((root / "charts/headroom/templates").iterdir())
            if re.search(r"^kind: ValidatingWebhookConfiguration", path.read_text(), re.MULTILINE)]


def page_problems(root: pathlib.Path) -> list[str]:
    """docs/gitops.md names what is written: fields, annotations and the finalizer."""
    page = (root / "docs/gitops.md").read_text()
    names = {path.removeprefix("/").replace("/", ".") for paths in WRITTEN_FIELDS.values() for path in paths}
    names -= {"spec.instances"}  # one of many that a /scale may stand for
    names |= {constant(root, "operator/api/object.h", name)
              for name in ("kFieldManager", "kOriginalAnnotation", "kFinalizer", "kForceDeleteAnnotation")}
    names.add(constant(root, "operator/controllers/switches.h", "kSwitchesAnnotation"))
    problems = [f"docs/gitops.md does not name {name}" for name in sorted(names) if name not in page]
    problems += [f"docs/gitops.md: there is no {target}" for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page)
                 if not (root / "docs" / target).exists()]
    return problems


def main(root: pathlib.Path) -> int:
    read = [document for path in sorted((root / "manifests/gitops").rglob("*.yaml"))
            for document in samples.documents(path)]
    problems = (health_problems(root) + sources_problems(root) + argo_problems(root) + flux_problems(root) +
                chart_problems(root) + page_problems(root))
    for problem in problems:
        print(problem)
    print(f"{len(read)} documents, {len(problems)} problems")
    return 1 if problems or len(read) < 50 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
