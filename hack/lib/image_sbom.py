#!/usr/bin/env python3
"""Writes the bill of materials of an image's root file system to standard output: SPDX 2.3, JSON.

Usage: image_sbom.py ROOT FACTS --version VERSION --revision COMMIT --epoch SECONDS --licence SPDX

FACTS is what image_root.py wrote. The same root gives the same text.
"""
import argparse
import datetime
import hashlib
import json
import pathlib
import re
import urllib.parse

import debian_packages as debian

IMAGE = "SPDXRef-Image"


def identifier(kind, name):
    """Letters, digits, dots and hyphens only; what that makes alike, as GMT+1 and GMT-1, is told apart by a digest."""
    plain = re.sub(r"[^A-Za-z0-9./-]", "-", name)
    apart = "" if plain == name else "-" + digest("sha256", name.encode())[:8]
    return f"SPDXRef-{kind}-" + plain.replace("/", "-") + apart


def digest(algorithm, data):
    return hashlib.new(algorithm, data).hexdigest()


def files_in(root, owners):
    """Every regular file, in the order of its path. SPDX asks for SHA-1 of each."""
    for path in sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink()):
        name, data = str(path.relative_to(root)), path.read_bytes()
        yield {"fileName": f"./{name}",
               "SPDXID": identifier("File", name),
               "checksums": [{"algorithm": "SHA1", "checksumValue": digest("sha1", data)},
                             {"algorithm": "SHA256", "checksumValue": digest("sha256", data)}],
               "fileTypes": ["BINARY" if data.startswith(b"\x7fELF") else "TEXT" if b"\0" not in data else "OTHER"],
               "licenseConcluded": "NOASSERTION",
               "copyrightText": "NOASSERTION",
               "comment": f"of the package {owners[name].split(':')[0]}"}


def debian_package(package, operating_system):
    facts, names = debian.facts_of(package), debian.licences_of(package)
    location = (f"pkg:deb/debian/{urllib.parse.quote(facts['Package'])}@"
                f"{urllib.parse.quote(facts['Version'], safe='')}?arch={facts['Architecture']}&distro={operating_system}")
    licence = " AND ".join(sorted({debian.spdx_licence(name) for name in names})) or "NOASSERTION"
    return {"name": facts["Package"],
            "SPDXID": identifier("Package", facts["Package"]),
            "versionInfo": facts["Version"],
            "supplier": f"Organization: {facts['Maintainer'].split(' <')[0] or 'Debian'}",
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False,
            "homepage": facts["Homepage"] or "NOASSERTION",
            "sourceInfo": f"built from Debian's source package {facts['source:Package']} {facts['source:Version']}",
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": licence,
            "copyrightText": "NOASSERTION",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                              "referenceLocator": location}]}


def own_licences(packages):
    """What the document calls by names of its own needs a text: where it can be read."""
    texts = {}
    for package in packages:
        for name in debian.licences_of(package):
            if debian.spdx_licence(name).startswith("LicenseRef-"):
                texts.setdefault(debian.spdx_licence(name), (name, []))[1].append(package.split(":")[0])
    return [{"licenseId": key, "name": name,
             "extractedText": f"As in /usr/share/doc/PACKAGE/copyright of Debian's {', '.join(sorted(set(of)))}"}
            for key, (name, of) in sorted(texts.items())]


def document(options, facts):
    files = list(files_in(options.root, facts["files"]))
    release = (options.root / "usr/lib/os-release").read_text()
    system = "debian-" + (re.search(r'^VERSION_ID="?([^"\n]+)', release, re.MULTILINE) or ["", "unknown"])[1]
    # SPDX 2.3, 7.9: the digest of the sorted digests.
    content = digest("sha1", "".join(sorted(file["checksums"][0]["checksumValue"] for file in files)).encode())
    image = {"name": "headroom", "SPDXID": IMAGE, "versionInfo": options.version,
             "supplier": "Organization: Headroom", "downloadLocation": "NOASSERTION", "filesAnalyzed": True,
             "packageVerificationCode": {"packageVerificationCodeValue": content},
             "primaryPackagePurpose": "CONTAINER", "licenseConcluded": "NOASSERTION",
             "licenseDeclared": options.licence, "licenseInfoFromFiles": ["NOASSERTION"],
             "copyrightText": "NOASSERTION", "sourceInfo": f"commit {options.revision}"}
    inside = [name for name in facts["compiledIn"] if name not in facts["packages"]]
    packages = [debian_package(package, system) for package in sorted(facts["packages"] + inside)]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", IMAGE)]
    relations += [(IMAGE, "CONTAINS", identifier("Package", name.split(":")[0])) for name in facts["packages"]]
    relations += [(identifier("Package", name.split(":")[0]), "BUILD_DEPENDENCY_OF", IMAGE) for name in inside]
    relations += [(IMAGE, "CONTAINS", file["SPDXID"]) for file in files]
    created = datetime.datetime.fromtimestamp(options.epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"headroom-{options.version}",
            "documentNamespace": f"https://headroom.dev/spdx/headroom-{options.version}-{options.revision}-{content}",
            "creationInfo": {"created": created, "creators": ["Organization: Headroom", "Tool: hack/image"]},
            "packages": [image] + packages, "files": files,
            "hasExtractedLicensingInfos": own_licences(facts["packages"] + inside),
            "relationships": [{"spdxElementId": of, "relationshipType": how, "relatedSpdxElement": to}
                              for of, how, to in relations]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("facts", type=pathlib.Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--revision", required=True)
    parser.add_argument("--epoch", type=int, required=True)
    parser.add_argument("--licence", required=True)
    options = parser.parse_args()
    print(json.dumps(document(options, json.loads(options.facts.read_text())), indent=1))


if __name__ == "__main__":
    main()
