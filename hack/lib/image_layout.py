#!/usr/bin/env python3
"""Packs a root file system into an OCI image layout, byte for byte the same for the same content, and prints the image's
digest.

Usage: image_layout.py ROOT LAYOUT --sbom FILE --epoch SECONDS --architecture ARCH --name NAME --tag TAG
                       --entrypoint PATH --user UID:GID [--label KEY=VALUE]... [--archive FILE]

LAYOUT becomes a folder in which the bill of materials refers to the image as a further artifact; FILE of --archive is a
tar of the image alone, as `docker load`, `podman load` and `ctr images import` take it.
"""
import argparse
import datetime
import gzip
import hashlib
import io
import json
import pathlib
import shutil
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
SPDX = "application/spdx+json"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def as_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def descriptor(media_type, data, **more):
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data), **more}


def entry(name, epoch, **fields):
    info = tarfile.TarInfo(name)
    info.mtime, info.uid, info.gid = epoch, 0, 0
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def layer_of(root, epoch):
    """Of the files only content, mode and name count: neither owner nor time nor the order of the disk."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(root.rglob("*"), key=lambda path: path.relative_to(root).parts):
            name, mode = str(path.relative_to(root)), path.lstat().st_mode & 0o7777
            if path.is_symlink():
                tar.addfile(entry(name, epoch, type=tarfile.SYMTYPE, mode=0o777, linkname=str(path.readlink())))
            elif path.is_dir():
                tar.addfile(entry(name, epoch, type=tarfile.DIRTYPE, mode=mode))
            else:
                data = path.read_bytes()
                tar.addfile(entry(name, epoch, mode=mode, size=len(data)), io.BytesIO(data))
    return out.getvalue()


def image_parts(options, labels):
    """Blobs of the image and its manifest."""
    created = datetime.datetime.fromtimestamp(options.epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    tar = layer_of(options.root, options.epoch)
    layer = gzip.compress(tar, compresslevel=6, mtime=0)
    config = as_json({
        "architecture": options.architecture, "os": "linux", "created": created,
        "config": {"User": options.user, "Env": ["PATH=/usr/bin"], "Entrypoint": [options.entrypoint], "WorkingDir": "/",
                   "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [sha256(tar)]},
        "history": [{"created": created, "created_by": "hack/image", "comment": "programs, libraries, data"}]})
    manifest = as_json({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, config),
                        "layers": [descriptor(LAYER, layer)], "annotations": labels})
    return [layer, config], manifest


def write_layout(folder, blobs, manifests):
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "blobs/sha256").mkdir(parents=True)
    for blob in blobs:
        (folder / "blobs/sha256" / sha256(blob).removeprefix("sha256:")).write_bytes(blob)
    (folder / "oci-layout").write_bytes(as_json({"imageLayoutVersion": "1.0.0"}))
    (folder / "index.json").write_bytes(as_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}))


def write_archive(file, folder, epoch, image):
    """`image`: manifest.json of docker's own archives, for engines that look for nothing else."""
    (folder / "manifest.json").write_bytes(as_json([image]))
    with tarfile.open(file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                data = path.read_bytes()
                info = entry(str(path.relative_to(folder)), epoch, mode=0o644, size=len(data))
                tar.addfile(info, io.BytesIO(data))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("layout", type=pathlib.Path)
    for name in ("architecture", "name", "tag", "entrypoint", "user"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--sbom", type=pathlib.Path, required=True)
    parser.add_argument("--epoch", type=int, required=True)
    parser.add_argument("--label", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--archive", type=pathlib.Path)
    options = parser.parse_args()

    blobs, manifest = image_parts(options, dict(label.split("=", 1) for label in options.label))
    platform = {"architecture": options.architecture, "os": "linux"}
    image = descriptor(MANIFEST, manifest, platform=platform,
                       annotations={"org.opencontainers.image.ref.name": options.tag,
                                    "io.containerd.image.name": f"{options.name}:{options.tag}"})
    if options.archive:
        scratch = options.layout.with_name(options.layout.name + ".alone")
        write_layout(scratch, blobs + [manifest], [image])
        paths = ["blobs/sha256/" + sha256(blob).removeprefix("sha256:") for blob in blobs]
        write_archive(options.archive, scratch, options.epoch,
                      {"Config": paths[1], "RepoTags": [f"{options.name}:{options.tag}"], "Layers": paths[:1]})
        shutil.rmtree(scratch)

    sbom, nothing = options.sbom.read_bytes(), b"{}"
    referrer = as_json({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": SPDX, "config": descriptor(EMPTY, nothing),
        "layers": [descriptor(SPDX, sbom, annotations={"org.opencontainers.image.title": "headroom.spdx.json"})],
        "subject": descriptor(MANIFEST, manifest)})
    write_layout(options.layout, blobs + [manifest, sbom, nothing, referrer],
                 [image, descriptor(MANIFEST, referrer, artifactType=SPDX)])
    print(image["digest"])


if __name__ == "__main__":
    main()
