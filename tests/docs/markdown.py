"""What a page of Markdown holds, as far as the tests of docs/ look at it: headings, links, code."""
import dataclasses
import re

FENCE = re.compile(r"^(\s*)(```+)(\w*)\s*$")
HEADING = re.compile(r"^#+ +(.*)$")
STORED = re.compile(r"^Stored as `([\w./-]+)`")
LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")


@dataclasses.dataclass
class Block:
    """A fenced block; `heading` is the last one above it, `output` the text block right behind it, `stored_as` the file
    that the line behind it says it is."""
    language: str
    text: str
    line: int
    end: int
    heading: str = ""
    output: str | None = None
    stored_as: str | None = None


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")


class Page:
    def __init__(self, path):
        self.path = path
        self.blocks: list[Block] = []
        prose = []
        heading = ""
        opened = None
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            fence = FENCE.match(line)
            if opened is None and fence:
                opened = (fence, number, [])
            elif opened is not None and fence and not fence[3] and len(fence[2]) >= len(opened[0][2]):
                text = "\n".join(each.removeprefix(opened[0][1]) for each in opened[2])
                self.blocks.append(Block(opened[0][3], text, opened[1], number, heading))
                opened = None
            elif opened is not None:
                opened[2].append(line)
            prose.append(line if opened is None and not fence else "")
            if opened is None and (found := HEADING.match(line)):
                heading = found[1]
        if opened is not None:
            raise ValueError(f"{path}:{opened[1]}: this block does not end")
        self.prose = "\n".join(prose)
        for block in self.blocks:
            if behind := STORED.match("\n".join(prose[block.end:]).strip()):
                block.stored_as = behind[1]
        for block, following in zip(self.blocks, self.blocks[1:]):
            between = prose[block.end:following.line - 1]
            if following.language == "text" and not any(line.strip() for line in between):
                block.output = following.text

    def anchors(self) -> set[str]:
        found: set[str] = set()
        for text in re.findall(HEADING.pattern, self.prose, re.MULTILINE):
            anchor, again = slug(text), 0
            while anchor in found:
                again += 1
                anchor = f"{slug(text)}-{again}"
            found.add(anchor)
        return found

    def links(self) -> list[str]:
        return LINK.findall(CODE.sub("code", self.prose))

    def code(self) -> list[str]:
        """What stands in backquotes in running text."""
        return [" ".join(each.split()) for each in CODE.findall(self.prose)]

    def commands(self) -> list[tuple[int, str]]:
        """(line, command) of every line of the blocks for a shell; continued lines are one."""
        found = []
        for block in self.blocks:
            if block.language != "sh":
                continue
            held, at = "", 0
            for number, line in enumerate(block.text.splitlines(), start=block.line + 1):
                at = at or number
                if line.endswith("\\"):
                    held += line[:-1] + " "
                    continue
                command = (held + line).strip()
                if command and not command.startswith("#"):
                    found.append((at, command))
                held, at = "", 0
        return found
