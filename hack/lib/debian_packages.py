"""What dpkg knows of the packages installed on this machine: whose file something is, versions, licences."""
import functools
import pathlib
import re
import subprocess

# Names in Debian's copyright files -> SPDX identifiers, where one text has two names.
SPDX_NAMES = {
    "apache-2": "Apache-2.0", "apache-2.0": "Apache-2.0", "expat": "MIT", "mit": "MIT", "mit/x11": "MIT",
    "bsd-2-clause": "BSD-2-Clause", "bsd-2": "BSD-2-Clause", "bsd-3-clause": "BSD-3-Clause", "bsd-3": "BSD-3-Clause",
    "boost": "BSL-1.0", "bsl-1.0": "BSL-1.0", "cc0-1.0": "CC0-1.0", "cc0": "CC0-1.0", "isc": "ISC", "zlib": "Zlib",
    "gpl-2": "GPL-2.0-only", "gpl-2+": "GPL-2.0-or-later", "gpl-3": "GPL-3.0-only", "gpl-3+": "GPL-3.0-or-later",
    "lgpl-2": "LGPL-2.0-only", "lgpl-2+": "LGPL-2.0-or-later", "lgpl-2.0+": "LGPL-2.0-or-later",
    "lgpl-2.1": "LGPL-2.1-only", "lgpl-2.1+": "LGPL-2.1-or-later", "lgpl-3": "LGPL-3.0-only",
    "lgpl-3+": "LGPL-3.0-or-later", "mpl-2.0": "MPL-2.0", "ms-pl": "MS-PL", "unlicense": "Unlicense",
    "gpl-1+": "GPL-1.0-or-later", "gpl-2.0": "GPL-2.0-only", "artistic": "Artistic-1.0", "artistic-1": "Artistic-1.0",
    "0bsd": "0BSD", "x11": "X11", "gfdl-1.3+": "GFDL-1.3-or-later", "bsd-1-clause": "BSD-1-Clause",
}


def lines_of(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command[:4])}: {done.stderr.strip()}")
    return done.stdout.splitlines()


def under_usr(path):
    """The place of a file of a merged /usr, by whichever name it was reached."""
    return re.sub(r"^/(lib|lib32|lib64|libx32|bin|sbin)/", r"/usr/\1/", str(path))


def names_of(path):
    """Debian's own lists use both names of what lies in a merged /usr."""
    return {str(path), under_usr(path), re.sub(r"^/usr/(lib\w*|s?bin)/", r"/\1/", str(path))}


def owners_of(paths):
    """Path -> name of its package, with the architecture where dpkg tells several apart."""
    by_name = {name: str(path) for path in paths for name in names_of(path)}
    names, owners = sorted(by_name), {}
    for begin in range(0, len(names), 500):
        done = subprocess.run(["dpkg-query", "--search", *names[begin:begin + 500]], capture_output=True, text=True,
                              timeout=120, check=False)
        for line in done.stdout.splitlines():
            owner, _, name = line.rpartition(": ")
            if not owner.startswith("diversion by") and name in by_name:
                owners[by_name[name]] = owner.split(", ")[0]
    for path in map(str, paths):
        if path not in owners:
            raise SystemExit(f"{path} belongs to no Debian package, so nothing can be said of its origin: remove it, or "
                             "build on a machine where only Debian's libraries are found")
    return owners


def files_of(package):
    return lines_of("dpkg-query", "--listfiles", package)


@functools.cache
def facts_of(package):
    fields = ["Package", "Version", "Architecture", "source:Package", "source:Version", "Maintainer", "Homepage"]
    values = lines_of("dpkg-query", "--show", "--showformat", "\\n".join(f"${{{field}}}" for field in fields), package)
    return dict(zip(fields, values + [""] * len(fields)))


def copyright_file(package):
    return pathlib.Path("/usr/share/doc") / package.split(":")[0] / "copyright"


def licences_of(package):
    """Debian's short names, sorted; empty where the package's copyright file is not made for machines."""
    file = copyright_file(package)
    if not file.exists():
        return []
    text = file.read_text(errors="replace")
    if not re.match(r"\s*Format:.*copyright-format", text):
        return []
    names = set()
    for line in re.findall(r"^License: *(\S.*)$", text, re.MULTILINE):
        names.update(name.strip(" ,()") for name in re.split(r"\s+(?:and|or|and/or)\s+|,", line, flags=re.IGNORECASE) if name.strip(" ,()"))
    return sorted(names)


def spdx_licence(name):
    """An SPDX identifier, or one of the document's own."""
    plain = re.sub(r"\s+with\s.*", "", name, flags=re.IGNORECASE)
    if plain == name and name.lower() in SPDX_NAMES:
        return SPDX_NAMES[name.lower()]
    return "LicenseRef-Debian-" + re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-")
