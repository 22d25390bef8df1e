#!/usr/bin/env python3
"""Puts together the root file system of Headroom's image: the programs, the shared libraries that they load, what these
read at run time, and what scanners and licences ask for. No shell, nothing that could be run but the programs.

Usage: image_root.py ROOT --facts FILE [--build FOLDER] [--link PROGRAM=NAME] PROGRAM...

FILE gets what the bill of materials needs to know: the Debian package of each file, and those compiled into ours.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import debian_packages as debian

USER = 65532
PASSWD = f"root:x:0:0:root:/:/sbin/nologin\nnonroot:x:{USER}:{USER}:nonroot:/:/sbin/nologin\n"
GROUP = f"root:x:0:\nnonroot:x:{USER}:\n"
# What glibc does by itself when the file is missing differs between its versions.
NAME_SERVICES = "passwd: files\ngroup: files\nhosts: files dns\n"
OURS = "headroom"

# libical asks ICU for nothing but calendars, and only for rules that name one (RSCALE). The other 30 MB are texts of all
# languages, which no program here shows.
ICU_ITEMS = ["root.res", "pool.res", "icuver.res", "icustd.res", "en.res", "en_US.res", "en_US_POSIX.res",
             "keyTypeData.res", "likelySubtags.res", "metadata.res", "metaZones.res", "numberingSystems.res",
             "supplementalData.res", "timezoneTypes.res", "zoneinfo64.res"]


class Root:
    """The folder that becomes the image, and whose each of its files is."""

    def __init__(self, folder):
        self.folder = folder
        self.owners = {}  # path in the image, without its leading slash -> Debian package, or OURS
        self.packages = set()
        folder.mkdir(parents=True)
        for name in ("lib", "lib64"):
            (folder / name).symlink_to(f"usr/{name}")
        (folder / "usr" / "lib64").mkdir(parents=True)
        temporary = folder / "tmp"
        temporary.mkdir()
        temporary.chmod(0o1777)

    def place(self, path, owner):
        target = self.folder / debian.under_usr(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        self.owners[str(target.relative_to(self.folder))] = owner
        if owner != OURS:
            self.packages.add(owner)
        return target

    def write(self, path, text, owner=OURS):
        self.place(path, owner).write_bytes(text if isinstance(text, bytes) else text.encode())

    def copy(self, path, owner, executable=False):
        """A file of this machine; symbolic links on the way to it are copied, too."""
        path = pathlib.Path(debian.under_usr(path))
        target = self.place(path, owner)
        if target.is_symlink() or target.exists():
            return
        if path.is_symlink():
            to = path.parent / os.readlink(path)
            target.symlink_to(os.path.relpath(debian.under_usr(os.path.normpath(to)), path.parent))
            self.copy(os.path.normpath(to), owner, executable)
        else:
            shutil.copyfile(path, target)
            target.chmod(0o755 if executable else 0o644)

    def add_program(self, program, links):
        name = pathlib.Path(program).name
        target = self.place(f"/usr/bin/{name}", OURS)
        debian.lines_of("strip", "--strip-all", "-o", str(target), program)
        target.chmod(0o755)
        for link in links:
            self.place(f"/usr/bin/{link}", OURS).symlink_to(name)

    def add_libraries(self, program):
        for path, owner in sorted(debian.owners_of(libraries_of(program)).items()):
            if pathlib.Path(path).name.startswith("libicudata.so."):
                self.add_icu_data(path, owner)
            else:
                # The kernel runs the loader among them.
                self.copy(path, owner, executable=True)

    def add_icu_data(self, path, owner):
        path = pathlib.Path(debian.under_usr(path))
        target = self.place(path, owner)
        if not target.exists():
            reduce_icu_data(path, target)
            target.chmod(0o755)

    def add_certificates(self):
        """Those of the Debian package alone: this machine may trust others for reasons of its own."""
        files = sorted(path for path in debian.files_of("ca-certificates")
                       if path.startswith("/usr/share/ca-certificates/") and path.endswith(".crt"))
        bundle = "".join(pathlib.Path(path).read_text().rstrip("\n") + "\n" for path in files)
        self.write("/etc/ssl/certs/ca-certificates.crt", bundle, "ca-certificates")
        folder = re.search(r'"(.*)"', debian.lines_of("openssl", "version", "-d")[0]).group(1)
        for name, to in (("cert.pem", "/etc/ssl/certs/ca-certificates.crt"), ("certs", "/etc/ssl/certs")):
            self.place(f"{folder}/{name}", "ca-certificates").symlink_to(os.path.relpath(to, folder))

    def add_time_zones(self):
        base = "/usr/share/zoneinfo/"
        for path in debian.files_of("tzdata"):
            name = path.removeprefix(base)
            # `right` counts leap seconds, `posix` says everything twice, `localtime` is this machine's.
            if not path.startswith(base) or name.split("/")[0] in ("right", "posix", "localtime"):
                continue
            if not os.path.isdir(path) or os.path.islink(path):
                self.copy(path, "tzdata")

    def add_package_records(self):
        """The form in which scanners look for Debian packages in images without a package manager; and the licences."""
        for package in sorted(self.packages):
            facts = debian.facts_of(package)
            record = (f"Package: {facts['Package']}\nStatus: install ok installed\nMaintainer: {facts['Maintainer']}\n"
                      f"Architecture: {facts['Architecture']}\nSource: {facts['source:Package']} "
                      f"({facts['source:Version']})\nVersion: {facts['Version']}\n")
            self.write(f"/var/lib/dpkg/status.d/{facts['Package']}", record, package)
            if debian.copyright_file(package).exists():
                # Some packages share the file of another by a link that leads out of this image.
                self.write(debian.copyright_file(package), debian.copyright_file(package).read_bytes(), package)


def libraries_of(program):
    found = set()
    for line in debian.lines_of("ldd", program):
        match = re.search(r"=> (/\S+) \(|^\s*(/\S+) \(", line)
        if match:
            found.add(match.group(1) or match.group(2))
        elif "not found" in line:
            raise SystemExit(f"{program}: {line.strip()}")
    return sorted(found)


def reduce_icu_data(library, target):
    """The same library with only ICU_ITEMS in it, made with ICU's own tool for this."""
    symbols = debian.lines_of("readelf", "--dyn-syms", "--wide", str(library))
    symbol = next(line.split() for line in symbols if re.search(r" icudt\d+_dat$", line))
    name, size = symbol[7], int(symbol[2], 0)
    sections = "\n".join(debian.lines_of("readelf", "--sections", "--wide", str(library)))
    section = re.search(rf"\[ *{symbol[6]}\] \S+ +PROGBITS +(\w+) +(\w+)", sections)
    offset = int(section.group(2), 16) + int(symbol[1], 16) - int(section.group(1), 16)
    data = f"{name.removesuffix('_dat')}l.dat"
    with tempfile.TemporaryDirectory() as folder:
        whole = pathlib.Path(folder) / data
        with open(library, "rb") as file:
            file.seek(offset)
            whole.write_bytes(file.read(size))
        # icupkg is for administrators, in Debian's view.
        icupkg = shutil.which("icupkg", path=f"{os.environ['PATH']}:/usr/sbin")
        if icupkg is None:
            raise SystemExit("icupkg is not there: install what hack/setup does, or Debian's icu-devtools")
        items = debian.lines_of(icupkg, "--list", str(whole))
        missing = sorted(set(ICU_ITEMS) - set(items))
        if missing:
            raise SystemExit(f"{library} has no {', '.join(missing)}: ICU_ITEMS in {__file__} is for another version")
        (pathlib.Path(folder) / "remove.txt").write_text("".join(f"{item}\n" for item in items if item not in ICU_ITEMS))
        (pathlib.Path(folder) / "small").mkdir()
        (pathlib.Path(folder) / "data.s").write_text(
            f'.section .rodata\n.globl {name}\n.type {name}, %object\n.balign 16\n{name}:\n.incbin "small/{data}"\n'
            f'.size {name}, .-{name}\n.section .note.GNU-stack,"",%progbits\n')
        for command in ([icupkg, "--remove", "remove.txt", data, f"small/{data}"],
                        ["gcc", "-shared", "-nostdlib", "-s", f"-Wl,-soname,{library.name.split('.so.')[0]}.so."
                         f"{library.name.split('.so.')[1].split('.')[0]}", "-o", str(target.absolute()), "data.s"]):
            subprocess.run(command, cwd=folder, timeout=120, check=True)


def compiled_in(build, programs):
    """Debian packages whose headers or archives went into the programs, from what the build noted."""
    ninja = ["ninja", "-C", build]
    names = [os.path.relpath(program, build) for program in programs]
    inputs = [line for line in debian.lines_of(*ninja, "-t", "inputs", *names) if line.endswith(".o")]
    headers = set()
    for line in debian.lines_of(*ninja, "-t", "deps", *inputs):
        if line.startswith("    /usr/"):
            headers.add(os.path.normpath(line.strip()))
    return sorted(set(debian.owners_of(headers).values()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("programs", nargs="+")
    parser.add_argument("--facts", type=pathlib.Path, required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--licence", required=True, help="the licence of the programs")
    parser.add_argument("--link", action="append", default=[], metavar="PROGRAM=NAME")
    options = parser.parse_args()
    os.umask(0o022)
    root = Root(options.root)
    for program in options.programs:
        name = pathlib.Path(program).name
        root.add_program(program, [link.split("=")[1] for link in options.link if link.split("=")[0] == name])
        root.add_libraries(program)
    root.write("/etc/passwd", PASSWD)
    root.write("/etc/group", GROUP)
    root.write("/etc/nsswitch.conf", NAME_SERVICES)
    root.write("/usr/share/doc/headroom/copyright", pathlib.Path(options.licence).read_bytes())
    root.copy("/etc/os-release", "base-files")
    root.add_certificates()
    root.add_time_zones()
    root.add_package_records()
    inside = compiled_in(options.build, options.programs)
    options.facts.write_text(json.dumps({"files": root.owners, "packages": sorted(root.packages), "compiledIn": inside},
                                        indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
