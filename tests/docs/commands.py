"""The commands that pages show: which run without a cluster, where one ends and the next begins, what they print."""
import re
import shlex
import subprocess

OF_FILES = {"plan", "explain", "simulate", "lint"}


def pages(root):
    """Every page for users, in the order in which one reads them."""
    docs = root / "docs"
    first = [docs / name for name in ("README.md", "install.md", "concepts.md", "gitops.md")]
    return [root / "README.md", root / "charts/headroom/README.md", *first,
            *(path for path in sorted(docs.rglob("*.md")) if path not in first)]


def simple_commands(command) -> list[list[str]]:
    """The commands of a pipeline or a list, as words, without assignments in front of them."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|;&")
    lexer.whitespace_split = True
    try:
        tokens = list(lexer)
    except ValueError:
        tokens = command.split()
    groups: list[list[str]] = [[]]
    for token in tokens:
        if set(token) <= set("|;&"):
            groups.append([])
        else:
            groups[-1].append(token)
    for group in groups:
        while group and (re.match(r"\w+=", group[0]) or group[0] in ("do", "export")):
            group.pop(0)
    return [group for group in groups if group]


def is_offline(command) -> bool:
    words = next(iter(simple_commands(command)), [])
    if len(words) < 2 or words[0] != "headroom":
        return False
    if "completion" in words[1:2]:
        return True
    if words[1:3] == ["limits", "check"]:
        return "--offline" in words
    return words[1] in OF_FILES and bool({"-f", "--filename"} & set(words))


def runs_offline(page, block) -> bool:
    """Whether it is a block for a shell in which no command needs a cluster."""
    inside = [command for line, command in page.commands() if block.line < line < block.end]
    return block.language == "sh" and bool(inside) and all(map(is_offline, inside))


def statements(block) -> list[tuple[int, str]]:
    """(line, text) of each statement of a block for a shell; functions and here-documents are in one piece."""
    found, held, at = [], [], 0
    for number, line in enumerate(block.text.splitlines(), start=block.line + 1):
        if not held:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            at = number
        held.append(line)
        if is_whole("\n".join(held)):
            found.append((at, "\n".join(held)))
            held = []
    if held:
        raise ValueError(f"line {at}: this statement does not end: {held[0]}")
    return found


def is_whole(text) -> bool:
    if text.endswith("\\"):
        return False
    read = subprocess.run(["bash", "-n"], input=text + "\n", capture_output=True, text=True, timeout=10, check=False)
    # Of a here-document without an end it only warns.
    return read.returncode == 0 and not read.stderr


def exit_code(text) -> int:
    """How a block or statement ends: what a comment in it says, else 0."""
    said = re.search(r"# exit code (\d+)", text)
    return int(said[1]) if said else 0


def matches(expected, said) -> bool:
    """Whether what was said is what was expected, ends of lines aside, `...` on a line of its own for any lines."""
    lines = [re.escape(line.rstrip()) + r"\n" for line in expected.strip().splitlines()]
    pattern = "".join("(?:.*\n)*" if line == r"\.\.\.\n" else line for line in lines)
    text = "".join(line.rstrip() + "\n" for line in said.strip().splitlines())
    return re.fullmatch(pattern, text) is not None


# What differs between two clusters or two looks: addresses, ports and times of day; ages; what is generated at the end
# of names, which has no vowels.
GENERATED = "[bcdfghjklmnpqrstvwxz2456789]"
VOLATILE = re.compile(r"\d+(?:[.:/]\d+)+\S*|\d+[smhd](?:\d+[smhd])*(?= |$)"
                      rf"|-{GENERATED}{{5,10}}(?:-{GENERATED}{{5}})?(?= |$)")


def words_missing(expected, said) -> list[str]:
    """The lines of `expected` that `said` lacks, or has in another order. Lines are compared word by word, without what
    differs from one cluster to the next; `...` on a line of its own stands for any lines."""
    there = [VOLATILE.sub("", line).split() for line in said.splitlines()]
    missing, at = [], 0
    for line in expected.splitlines():
        wanted = VOLATILE.sub("", line).split()
        if not wanted or wanted == ["..."]:
            continue
        try:
            at = there.index(wanted, at) + 1
        except ValueError:
            missing.append(line)
    return missing
