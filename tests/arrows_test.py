#!/usr/bin/env python3
"""Fails when a folder includes another that the architecture does not let it know.

Usage: arrows_test.py SOURCE_ROOT
"""
import pathlib
import re
import sys

# folder -> folders it may include directly
ARROWS = {
    "operator/base": set(),
    "operator/api": {"operator/base"},
    "operator/plan": {"operator/base", "operator/api"},
    "operator/limits": {"operator/base", "operator/api"},
    "operator/backstop": {"operator/base", "operator/api"},
    "operator/validation": {"operator/base", "operator/api", "operator/plan", "operator/limits"},
    # Files that people keep, and what is wrong with them.
    "operator/manifest": {"operator/base", "operator/api"},
    "operator/cel": {"operator/base"},
    "operator/schema": {"operator/base", "operator/manifest", "operator/cel"},
    "operator/lint": {"operator/base", "operator/api", "operator/plan", "operator/limits", "operator/validation",
                      "operator/manifest", "operator/cel", "operator/schema"},
    "operator/net": {"operator/base"},
    "operator/certificates": {"operator/base"},
    "operator/kube": {"operator/base", "operator/api"},
    "operator/runtime": {"operator/base", "operator/api", "operator/kube"},
    # Servers show certificates, and ask the API server who may read.
    "operator/status": {"operator/base", "operator/kube", "operator/net", "operator/runtime", "operator/certificates"},
    "operator/monitoring": {"operator/base", "operator/api", "operator/kube", "operator/runtime"},
    "operator/controllers": {"operator/base", "operator/api", "operator/plan", "operator/limits", "operator/backstop",
                             "operator/validation", "operator/kube", "operator/runtime", "operator/monitoring"},
    "operator/uninstall": {"operator/base", "operator/api", "operator/backstop", "operator/kube"},
    # The operator's composition root: knows everything, is known by nobody.
    "operator/app": {"operator/base", "operator/api", "operator/plan", "operator/kube", "operator/runtime",
                     "operator/net", "operator/status", "operator/monitoring", "operator/controllers"},
    "webhook": {"operator/base", "operator/api", "operator/plan", "operator/limits", "operator/validation",
                "operator/kube", "operator/runtime", "operator/net", "operator/status"},
    # The webhook's composition root and its IO: known by nobody.
    "webhook/app": {"operator/base", "operator/api", "operator/limits", "operator/backstop", "operator/validation",
                    "operator/kube", "operator/runtime", "operator/monitoring", "operator/net", "operator/status", "webhook",
                    "operator/certificates"},
    "operator/cli": {"operator/base", "operator/api", "operator/plan", "operator/limits", "operator/validation",
                     "operator/kube", "operator/manifest", "operator/schema", "operator/lint", "operator/uninstall"},
}
# The planner is pure: time and observations are arguments.
PURE = {"operator/plan", "operator/limits", "operator/backstop", "operator/validation", "operator/cel"}
IMPURE_HEADERS = re.compile(
    r'#include [<"](thread|mutex|shared_mutex|condition_variable|atomic|future|chrono|ctime|fstream|iostream|'
    r'sys/[^>"]*|unistd\.h|operator/base/(clock|deadline|log)\.h|spdlog/[^>"]*|boost/asio[^>"]*|cpprest/[^>"]*)[>"]')
INCLUDE = re.compile(r'#include "(operator/[a-z_]+|webhook/[a-z_]+|webhook)/')
CONFINED = {  # header prefix -> folders that may include it
    "cpprest/": {"operator/kube"},
    "boost/beast": {"operator/net"},
    "prometheus/": {"operator/runtime"},
    "spdlog/": {"operator/base"},
    "libical/": {"operator/plan"},
    "simdjson": {"webhook"},
}


def main(root: pathlib.Path) -> int:
    failures, files = [], 0
    for folder, allowed in ARROWS.items():
        for path in sorted((root / folder).glob("*.[ch]*")):
            if path.suffix not in (".h", ".cc"):
                continue
            files += 1
            for number, line in enumerate(path.read_text().splitlines(), 1):
                where = f"{path.relative_to(root)}:{number}"
                if match := INCLUDE.match(line):
                    other = match.group(1)
                    if other != folder and other not in allowed:
                        failures.append(f"{where}: {folder} must not include {other}")
                if folder in PURE and IMPURE_HEADERS.match(line):
                    failures.append(f"{where}: {folder} is pure: pass time and observations as arguments")
                for prefix, homes in CONFINED.items():
                    if re.match(rf'#include [<"]{re.escape(prefix)}', line) and folder not in homes:
                        failures.append(f"{where}: {prefix} stays inside {', '.join(sorted(homes))}")
    for failure in failures:
        print(failure)
    print(f"{files} files read, {len(failures)} forbidden includes")
    return 1 if failures or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
