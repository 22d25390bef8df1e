#!/usr/bin/env python3
"""Prints the page of reference of the programs' commands and flags, in Markdown, as they tell them with --help.

usage: docs_help.py HEADROOM OPERATOR WEBHOOK, three paths of programs
"""

import os
import subprocess
import sys


def shown_help(program, *command):
    """What --help prints, with ends of lines as an editor would leave them."""
    # The programs would wrap at the width of whoever runs this.
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    ran = subprocess.run([program, *command, "--help"], capture_output=True, text=True, timeout=60, env=environment)
    if ran.returncode != 0:
        raise SystemExit(f"{program} {' '.join(command)} --help: exit code {ran.returncode}: {ran.stderr}")
    return "\n".join(line.rstrip() for line in ran.stdout.strip().splitlines())


def subcommands(text):
    """Names below the line `Subcommands:`; the lines of a description that goes on are indented further."""
    below = text.partition("\nSubcommands:\n")[2].split("\n\n")[0]
    return [line.split()[0] for line in below.splitlines() if line[:2] == "  " and line[2:3].strip()]


def sections(program, command):
    text = shown_help(program, *command)
    lines = [f"## {' '.join(['headroom', *command])}", "", "```text", text, "```", ""]
    for name in subcommands(text):
        lines += sections(program, [*command, name])
    return lines


def main():
    headroom, operator, webhook = sys.argv[1:]
    lines = ["# headroom, headroom-operator, headroom-webhook", "", "<!-- Made by hack/docs from --help. -->", "",
             "What the three programs say of themselves. The chart sets the flags of the last two by its values.", ""]
    lines += sections(headroom, [])
    for name, program in (("headroom-operator", operator), ("headroom-webhook", webhook)):
        lines += [f"## {name}", "", "```text", shown_help(program), "```", ""]
    sys.stdout.write("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
