#!/usr/bin/env python3
"""What docs/ and the README show is true: commands for files run and print what stands below them; links, files,
flags, values of the chart, fields and alerts that are named exist.

Usage: docs_test.py SOURCE_ROOT BUILD_FOLDER

A block ```sh in which every command is `headroom plan|explain|simulate|lint` with -f, `headroom limits check --offline`
or `headroom completion` is run, in SOURCE_ROOT, without any cluster. A comment `# exit code N` says how it ends, else
0. The block ```text right behind it is what it prints; a line `...` there stands for any number of lines. All other
commands need a cluster, and are run by cluster_docs_test.py; here files, flags and values in them are looked at.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

import commands
import markdown

ROOT = pathlib.Path(sys.argv[1]).resolve()
BUILD = pathlib.Path(sys.argv[2]).resolve()
PROGRAMS = {"headroom": BUILD / "operator/cli/headroom", "headroom-operator": BUILD / "operator/app/headroom-operator",
            "headroom-webhook": BUILD / "webhook/app/headroom-webhook"}
PAGES = commands.pages(ROOT)
FLAG = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")
PATH = re.compile(r"(?<![\w./$-])(?:charts|crds|docs|hack|manifests|operator|tests|webhook)/[\w./-]*[\w]")
# Flags of others' programs that the pages use; whoever adds one looks it up.
OTHERS_FLAGS = {
    "kubectl": {"--server-side", "--force-conflicts", "--all-namespaces", "--sort-by", "--tail", "--previous",
                "--ignore-errors", "--field-selector", "--show-labels", "--as", "--raw", "--context", "--for", "--timeout", "--overwrite",
                "--subresource", "--type", "--from-literal", "--from-file", "--clusterrole", "--clusterroles",
                "--serviceaccount", "--user", "--group", "--namespace", "--no-headers", "--dry-run", "--kubeconfig",
                "--duration", "--token", "--server", "--certificate-authority", "--embed-certs", "--cluster",
                "--show-managed-fields", "--all", "--patch", "--field-manager", "--replicas", "-n", "-A", "-f", "-o",
                "-l", "-w", "-p", "-c", "-k", "-R"},
    "helm": {"--namespace", "--create-namespace", "--set", "--set-json", "--values", "--wait", "--timeout",
             "--kube-version", "--version", "--dry-run", "--show-only", "-n", "-f"},
}
# Fields of others' kinds: autoscalers, KEDA's, Flux'.
OTHERS_FIELDS = {"spec.minReplicas", "spec.maxReplicas", "spec.minReplicaCount", "spec.maxReplicaCount", "spec.ignore"}


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100,
                          check=False, **more)


def help_of(program, *command) -> str:
    ran = run([PROGRAMS[program], *command, "--help"])
    if ran.returncode != 0:
        raise RuntimeError(f"{program} {' '.join(command)} --help: {ran.stdout}")
    return ran.stdout


def flags_in(text) -> set[str]:
    """Flags that a --help declares: at the start of its lines."""
    found = set()
    for line in re.findall(r"^  (-\S+)", text, re.MULTILINE):
        for flag in line.split(","):
            found.add(re.split(r"[{=\[]", flag)[0])
    return found


class Flags:
    """What each command of the programs takes."""

    def __init__(self):
        self.by_command: dict[tuple[str, ...], set[str]] = {}
        for program in PROGRAMS:
            self.learn(program, (), set())
        self.all = set().union(*self.by_command.values())

    def learn(self, program, command, inherited):
        text = help_of(program, *command)
        flags = inherited | flags_in(text)
        self.by_command[(program, *command)] = flags
        below = text.partition("\nSubcommands:\n")[2].split("\n\n")[0]
        for name in re.findall(r"^  (\w+)", below, re.MULTILINE):
            self.learn(program, (*command, name), flags)

    def of(self, words) -> tuple[tuple[str, ...], set[str]]:
        """The longest command that the words begin with, flags left aside, and what it takes."""
        command = (words[0],)
        for word in words[1:]:
            if (*command, word) in self.by_command:
                command = (*command, word)
        return command, self.by_command[command]


def fields_of(schema, path, found):
    found.add(path)
    for name, child in schema.get("properties", {}).items():
        fields_of(child, f"{path}.{name}" if path else name, found)
    for child in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(child, dict):
            fields_of(child, path, found)
    if schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("additionalProperties"):
        found.add(f"{path}.*")


class Docs(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.pages = [markdown.Page(path) for path in PAGES]
        cls.flags = Flags()

    def problems_of(self, look):
        """Every problem that look(page) tells of any page, in one failure."""
        told = [f"{page.path.relative_to(ROOT)}{problem}" for page in self.pages for problem in look(page)]
        self.assertEqual([], told, "\n" + "\n".join(told))

    def test_commands_for_files_print_what_is_shown(self):
        ran = 0
        with tempfile.TemporaryDirectory() as home:
            environment = {"PATH": f"{PROGRAMS['headroom'].parent}:/usr/bin:/bin", "HOME": home, "LC_ALL": "C.UTF-8",
                           "KUBECONFIG": f"{home}/none", "TZ": "UTC"}
            for page in self.pages:
                for block in page.blocks:
                    if not commands.runs_offline(page, block):
                        continue
                    ran += 1
                    with self.subTest(f"{page.path.relative_to(ROOT)}:{block.line}"):
                        result = run(["bash", "-euo", "pipefail", "-c", block.text], cwd=ROOT, env=environment)
                        self.assertEqual(commands.exit_code(block.text), result.returncode, result.stdout)
                        if block.output is not None:
                            self.assertTrue(commands.matches(block.output, result.stdout),
                                            f"printed:\n{result.stdout}\nshown:\n{block.output}")
        self.assertGreater(ran, 10, "the convention of blocks that run has been lost")

    def test_links_lead_somewhere(self):
        def look(page):
            for link in page.links():
                if re.match(r"[a-z]+:", link):
                    continue
                name, _, anchor = link.partition("#")
                path = (page.path.parent / name).resolve() if name else page.path
                if not path.exists():
                    yield f": {link} is not there"
                elif anchor and path.suffix == ".md" and anchor not in markdown.Page(path).anchors():
                    yield f": {link}: that page has no such heading"
        self.problems_of(look)

    def test_every_page_can_be_reached_from_the_index(self):
        index = markdown.Page(ROOT / "docs/README.md")
        linked = {(index.path.parent / link.partition("#")[0]).resolve() for link in index.links()}
        missing = [str(path.relative_to(ROOT)) for path in PAGES
                   if (ROOT / "docs") in path.parents and path != index.path and path.resolve() not in linked]
        self.assertEqual([], missing)

    def test_files_that_are_named_exist(self):
        def look(page):
            texts = page.code() + [command for _, command in page.commands()]
            for text in texts:
                for path in PATH.findall(text):
                    if not (ROOT / path).exists() and not (page.path.parent / path).exists():
                        yield f": {path} is not there"
        self.problems_of(look)

    def test_flags_that_are_named_exist(self):
        def look(page):
            shown = [(f":{line}", command) for line, command in page.commands()]
            shown += [("", code) for code in page.code()]
            for where, command in shown:
                for words in commands.simple_commands(command):
                    yield from (f"{where}: {problem}" for problem in self.wrong_flags(words))
        self.problems_of(look)

    def wrong_flags(self, words):
        if words[:2] == ["kubectl", "headroom"]:
            words = words[1:]
        used = [re.split("=", word)[0] for word in words if FLAG.match(word)]
        program = words[0]
        if program in PROGRAMS:
            command, known = self.flags.of(words)
            if program == "headroom" and len(words) > 1 and len(command) == 1 and re.fullmatch(r"[a-z]+", words[1]):
                yield f"there is no command {words[0]} {words[1]}"
            yield from (f"{' '.join(command)} has no flag {flag}" for flag in used if flag not in known)
            if command == ("headroom", "plan"):
                yield from self.wrong_times(words)
        elif program.startswith("--"):
            flag = re.split("[= ]", program)[0]
            known = self.flags.all.union(*OTHERS_FLAGS.values())
            if flag not in known and flag not in ("--keep", "--request-timeout"):
                yield f"no program has a flag {flag}"
        elif program in OTHERS_FLAGS:
            yield from (f"{program}: is there a flag {flag}? Look it up and add it to OTHERS_FLAGS" for flag in used
                        if flag not in OTHERS_FLAGS[program])
            if program == "helm":
                yield from self.wrong_values(words)

    @staticmethod
    def wrong_times(words):
        for flag, time in zip(words, words[1:]):
            if flag in ("--at", "--from", "--to") and time.isascii() and time != "TIME":
                # What --at takes, the other two take as well.
                ran = run([PROGRAMS["headroom"], "plan", "-f", ROOT / "manifests/samples/one-region", "--at", time])
                if ran.returncode != 0:
                    yield f"{flag} {time}: {ran.stdout.strip()}"

    def wrong_values(self, words):
        values = yaml.safe_load((ROOT / "charts/headroom/values.yaml").read_text(encoding="utf-8"))
        settings = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "--set"]
        for setting in ",".join(settings).split(","):
            if setting and not has_value(values, setting.partition("=")[0]):
                yield f"the chart has no value {setting}"

    def test_values_of_the_chart_that_are_named_exist(self):
        values = yaml.safe_load((ROOT / "charts/headroom/values.yaml").read_text(encoding="utf-8"))

        def look(page):
            for code in page.code():
                if re.fullmatch(r"[a-z]\w*(\.[a-z]\w*)+", code) and code.split(".")[0] in values:
                    if not has_value(values, code):
                        yield f": the chart has no value {code}"
        self.problems_of(look)

    def test_fields_that_are_named_exist(self):
        known = set(OTHERS_FIELDS)
        for path in sorted((ROOT / "crds").glob("*.yaml")):
            definition = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]["versions"][0]
            fields_of(definition["schema"]["openAPIV3Schema"], "", known)

        def look(page):
            if page.path.parent.name == "reference":
                return  # speaks of other projects' fields, too
            for code in page.code():
                path = re.split(r"[:= ]", code)[0].replace("[]", "")
                if re.fullmatch(r"(spec|status)(\.\w+)+", path) and path not in known:
                    if f"{path.rpartition('.')[0]}.*" not in known:
                        yield f": no kind has a field {path}"
        self.problems_of(look)

    def test_alerts_that_are_named_exist(self):
        known = set()
        for path in (ROOT / "charts/headroom/rules").glob("*.yaml"):
            known.update(re.findall(r"alert: *(\w+)", path.read_text(encoding="utf-8")))
        for path in (ROOT / "operator/controllers").glob("*.cc"):  # what the operator itself posts to receivers
            known.update(re.findall(r'"alertname"(?:\] =|,) "(\w+)"', path.read_text(encoding="utf-8")))

        def look(page):
            for name in re.findall(r"\bHeadroom[A-Z]\w+", page.prose):
                if name not in known:
                    yield f": there is no alert {name}"
        self.problems_of(look)


def has_value(values, path) -> bool:
    for name in path.split("."):
        if isinstance(values, dict) and not values:
            return True  # users fill it freely
        if not isinstance(values, dict) or name not in values:
            return False
        values = values[name]
    return True


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
