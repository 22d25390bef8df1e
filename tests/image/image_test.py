#!/usr/bin/env python3
"""The container image: what it is made of, that it is made the same everywhere, and that its programs run with nothing
but what is in it."""
import datetime
import gzip
import hashlib
import http.client
import io
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import unittest
import zoneinfo

from sandbox import Process, Sandbox

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from crd_cluster import Cluster, Refused  # noqa: E402

MOST_BYTES = 60_000_000
PROGRAMS = re.search(r"^readonly programs=\(([^)]*)\)", (ROOT / "hack/image").read_text(), re.MULTILINE)[1].split()
VERSION = re.search(r"^project\(headroom VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)[1]
REVISION, EPOCH, TAG = "0123456789abcdef0123456789abcdef01234567", "1767225600", "1.2.3"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def build(tree, output, **environment):
    """The digest that hack/image prints."""
    done = subprocess.run([tree / "hack/image", "--output", output, "--revision", REVISION, "--tag", TAG, "--source",
                           "https://example.com/source"], capture_output=True, text=True, timeout=3000, check=False,
                          env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH, **environment})
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


def copy_of_tree(folder):
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, timeout=60, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


class Layout:
    """An OCI image layout, each of whose blobs is what its descriptor says."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        assert json.loads((self.folder / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
        self.index = json.loads((self.folder / "index.json").read_text())

    def blob(self, descriptor):
        algorithm, digest = descriptor["digest"].split(":")
        data = (self.folder / "blobs" / algorithm / digest).read_bytes()
        assert hashlib.new(algorithm, data).hexdigest() == digest, descriptor
        assert len(data) == descriptor["size"], descriptor
        return data

    def manifest(self, number):
        return json.loads(self.blob(self.index["manifests"][number]))


def setUpModule():
    """Builds the image and unpacks it, once for all tests."""
    Built.folder = pathlib.Path(tempfile.mkdtemp(prefix="headroom-image-test."))
    unittest.addModuleCleanup(shutil.rmtree, Built.folder)
    Built.folder.chmod(0o755)
    Built.digest = build(ROOT, Built.folder / "image")
    Built.layout = Layout(Built.folder / "image/layout")
    Built.config = json.loads(Built.layout.blob(Built.layout.manifest(0)["config"]))
    Built.root = Built.folder / "root"
    Built.root.mkdir()
    layer = Built.layout.blob(Built.layout.manifest(0)["layers"][0])
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        Built.entries = tar.getmembers()
        tar.extractall(Built.root)
    Built.sandbox = Sandbox(Built.root, int(Built.config["config"]["User"].split(":")[0]))


class Built(unittest.TestCase):
    maxDiff = None
    folder = digest = layout = config = root = entries = sandbox = None


class Image(Built):
    # --- the layout ---

    def test_is_what_its_descriptors_say(self):
        image = self.layout.manifest(0)
        self.assertEqual(self.layout.index["manifests"][0]["digest"], self.digest)
        self.assertEqual(self.layout.index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], TAG)
        self.assertEqual(len(image["layers"]), len(self.config["rootfs"]["diff_ids"]))
        for layer, content in zip(image["layers"], self.config["rootfs"]["diff_ids"]):
            unpacked = gzip.decompress(self.layout.blob(layer))
            self.assertEqual("sha256:" + hashlib.sha256(unpacked).hexdigest(), content)
        referrer = self.layout.manifest(1)
        self.assertEqual(referrer["subject"]["digest"], self.digest)
        self.assertEqual(self.layout.blob(referrer["layers"][0]),
                         (self.folder / "image/headroom.spdx.json").read_bytes())
        named = {each["digest"].split(":")[1] for manifest in (image, referrer)
                 for each in [manifest["config"], *manifest["layers"]]}
        named |= {each["digest"].split(":")[1] for each in self.layout.index["manifests"]}
        self.assertEqual(named, {path.name for path in (self.layout.folder / "blobs/sha256").iterdir()})

    def test_is_read_by_another_program_alike_from_folder_and_archive(self):
        digests = {}
        for origin in (f"oci:{self.folder}/image/layout:{TAG}", f"oci-archive:{self.folder}/image/headroom.oci.tar"):
            done = subprocess.run(["skopeo", "inspect", "--tmpdir", self.folder, origin], capture_output=True, text=True,
                                  timeout=120, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            seen = json.loads(done.stdout)
            digests[origin] = seen["Digest"]
            self.assertEqual(seen["Labels"]["org.opencontainers.image.version"], VERSION)
        self.assertEqual(set(digests.values()), {self.digest})

    def test_says_what_it_is(self):
        prefix = "org.opencontainers.image."
        labels = self.config["config"]["Labels"]
        self.assertEqual(labels, self.layout.manifest(0)["annotations"])
        self.assertLessEqual({f"{prefix}title": "Headroom", f"{prefix}version": VERSION,
                              f"{prefix}revision": REVISION, f"{prefix}created": "2026-01-01T00:00:00Z",
                              f"{prefix}licenses": "Apache-2.0",
                              f"{prefix}source": "https://example.com/source"}.items(), labels.items())
        self.assertEqual(self.config["config"]["User"], "65532:65532")
        self.assertEqual(self.config["os"], "linux")

    def test_is_the_same_from_another_directory_by_another_user_of_another_country(self):
        tree = copy_of_tree(self.folder / "elsewhere/deeper/tree")
        again = build(tree, self.folder / "again", TZ="Asia/Kolkata", HOME=str(self.folder),
                      CCACHE_DIR=os.environ.get("CCACHE_DIR", str(pathlib.Path.home() / ".cache/ccache")))
        self.assertEqual(again, self.digest)
        for name in ("headroom.oci.tar", "headroom.spdx.json", "layout/index.json"):
            self.assertEqual((self.folder / "again" / name).read_bytes(), (self.folder / "image" / name).read_bytes())

    def test_is_the_same_by_the_dockerfile(self):
        lines = (ROOT / "Dockerfile").read_text().splitlines()
        said = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines if re.match("[A-Z]", line)}
        config = self.config["config"]
        self.assertEqual(json.loads(said["ENTRYPOINT"]), config["Entrypoint"])
        self.assertEqual([said["ENV"]], config["Env"])
        self.assertEqual((said["USER"], said["WORKDIR"]), (config["User"], config["WorkingDir"]))
        command = next(line for line in lines if "hack/image --root" in line)
        root = self.folder / "root-alone"
        subprocess.run([ROOT / "hack/image", "--root", root, *re.findall(r"--sbom", command), self.folder / "sbom.json",
                        "--revision", REVISION], capture_output=True, timeout=3000, check=True,
                       env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH})
        self.assertEqual((self.folder / "sbom.json").read_bytes(),
                         (self.folder / "image/headroom.spdx.json").read_bytes())
        found = {str(path.relative_to(root)): path for path in root.rglob("*")}
        self.assertEqual(set(found), {entry.name for entry in self.entries})
        for entry in self.entries:
            status = found[entry.name].lstat()
            self.assertEqual(int(status.st_mtime), int(EPOCH), entry.name)
            if entry.issym():
                self.assertEqual(os.readlink(found[entry.name]), entry.linkname)
            else:
                self.assertEqual(status.st_mode & 0o7777, entry.mode, entry.name)
            if entry.isfile():
                self.assertEqual(found[entry.name].read_bytes(), (self.root / entry.name).read_bytes(), entry.name)

    # --- the content ---

    def files(self):
        return [entry for entry in self.entries if entry.isfile()]

    def test_is_small(self):
        size = sum(entry.size for entry in self.files())
        self.assertLess(size, MOST_BYTES)
        print(f"{size} bytes in {len(self.files())} files", file=sys.stderr)

    def test_has_nobodys_owner_and_one_time(self):
        self.assertEqual({(entry.uid, entry.gid, entry.uname, entry.gname) for entry in self.entries}, {(0, 0, "", "")})
        self.assertEqual({entry.mtime for entry in self.entries}, {int(EPOCH)})
        self.assertEqual([entry.name for entry in self.entries],
                         sorted((entry.name for entry in self.entries), key=lambda name: pathlib.Path(name).parts))
        self.assertEqual([entry.name for entry in self.entries if not entry.issym() and entry.mode & 0o022], ["tmp"])
        self.assertEqual([entry.name for entry in self.entries if entry.mode & 0o6000], [])

    def test_has_nothing_that_could_be_run_but_the_programs(self):
        runnable = []
        for entry in self.files():
            begin = (self.root / entry.name).read_bytes()
            self.assertFalse(begin.startswith(b"#!"), f"{entry.name} is a script")
            if entry.mode & 0o111 and ".so" not in entry.name:
                runnable.append(entry.name)
        self.assertEqual(sorted(runnable), sorted(f"usr/bin/{program}" for program in PROGRAMS))
        for shell in ("/bin/sh", "/usr/bin/sh", "/bin/bash", "/usr/bin/busybox"):
            self.assertFalse((self.root / shell.lstrip("/")).exists())

    def test_has_no_path_of_the_machine_that_built_it(self):
        for program in PROGRAMS:
            data = (self.root / "usr/bin" / program).read_bytes()
            for trace in (str(ROOT), str(self.folder), "/build/release", "../operator/", os.path.expanduser("~") + "/"):
                self.assertNotIn(trace.encode(), data, program)

    def test_has_every_library_that_is_asked_for_and_no_other(self):
        present = {path.name: path for path in self.root.glob("usr/lib/*/*.so*")}
        asked = {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"} & set(present)
        queue = [self.root / "usr/bin" / program for program in PROGRAMS]
        while queue:
            out = subprocess.run(["readelf", "--dynamic", queue.pop()], capture_output=True, text=True, timeout=60,
                                 check=True).stdout
            for name in set(re.findall(r"\(NEEDED\).*\[(.+)\]", out)) - asked:
                self.assertIn(name, present)
                asked.add(name)
                queue.append(present[name])
        targets = {present[name].resolve().name for name in asked}
        self.assertEqual(set(present), asked | targets)

    def test_trusts_what_debian_trusts_and_nobody_that_only_this_machine_does(self):
        bundle = (self.root / BUNDLE.lstrip("/")).read_text()
        listed = subprocess.run(["dpkg-query", "--listfiles", "ca-certificates"], capture_output=True, text=True,
                                timeout=60, check=True).stdout.split()
        of_debian = [pathlib.Path(path).read_text().strip() for path in listed if "/mozilla/" in path]
        self.assertEqual(sorted(re.findall(r"-+BEGIN.*?END CERTIFICATE-+", bundle, re.DOTALL)), sorted(of_debian))
        trust = ssl.create_default_context(cadata=bundle)
        self.assertEqual(len(trust.get_ca_certs()), len(of_debian))
        self.assertGreater(len(of_debian), 100)

    def test_has_all_zones(self):
        for zone in zoneinfo.available_timezones() - {"localtime"}:
            self.assertTrue((self.root / "usr/share/zoneinfo" / zone).exists(), zone)

    # --- the bill of materials ---

    def test_names_every_library_and_file_in_its_bill_of_materials(self):
        bill = json.loads((self.folder / "image/headroom.spdx.json").read_text())
        self.assertEqual(bill["spdxVersion"], "SPDX-2.3")
        checksums = {file["fileName"].removeprefix("./"):
                     {each["algorithm"]: each["checksumValue"] for each in file["checksums"]} for file in bill["files"]}
        self.assertEqual(set(checksums), {entry.name for entry in self.files()})
        for name, sums in checksums.items():
            data = (self.root / name).read_bytes()
            self.assertEqual(sums, {"SHA1": hashlib.sha1(data).hexdigest(), "SHA256": hashlib.sha256(data).hexdigest()})

        packages = {package["SPDXID"]: package for package in bill["packages"]}
        relations = {(each["spdxElementId"], each["relationshipType"], each["relatedSpdxElement"])
                     for each in bill["relationships"]}
        self.assertIn(("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image"), relations)
        contained = {packages[to]["name"] for of, how, to in relations if how == "CONTAINS" and to in packages}
        for path in self.root.glob("usr/lib/*/*.so*"):
            owner = subprocess.run(["dpkg-query", "--search", f"*/{path.name}"], capture_output=True, text=True,
                                   timeout=60, check=False).stdout
            self.assertTrue(contained & set(re.findall(r"^([^:,\s]+)", owner, re.MULTILINE)), f"{path.name}: {owner}")
        inside = {packages[of]["name"] for of, how, _ in relations if how == "BUILD_DEPENDENCY_OF"}
        self.assertLessEqual({"libboost1.74-dev", "nlohmann-json3-dev", "libstdc++-12-dev"}, inside)
        for package in packages.values():
            if package["name"] == "headroom":
                continue
            version = subprocess.run(["dpkg-query", "--show", "--showformat", "${Version}\n", package["name"]],
                                     capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()[0]
            self.assertEqual(package["versionInfo"], version)
        own = {licence["licenseId"] for licence in bill["hasExtractedLicensingInfos"]}
        used = set(re.findall(r"LicenseRef-[\w.-]+", " ".join(each["licenseDeclared"] for each in packages.values())))
        self.assertEqual(own, used)
        identifiers = [each["SPDXID"] for each in bill["packages"] + bill["files"]]
        self.assertEqual(len(identifiers), len(set(identifiers)))
        self.assertLessEqual({end for of, _, to in relations for end in (of, to)} - {"SPDXRef-DOCUMENT"},
                             set(identifiers))

    # --- the programs, with the image alone ---

    def test_programs_say_their_version_and_their_flags(self):
        for program in PROGRAMS:
            said = self.sandbox.run(f"/usr/bin/{program}", "--version")
            self.assertEqual(said.returncode, 0, said.stderr)
            self.assertIn(VERSION, said.stdout)
            said = self.sandbox.run(f"/usr/bin/{program}", "--help")
            self.assertEqual(said.returncode, 0, said.stderr)
            self.assertIn("--kubeconfig", said.stdout)

    def test_entrypoint_is_a_program(self):
        self.assertEqual(self.sandbox.run(*self.config["config"]["Entrypoint"], "--version").returncode, 0)

    def test_its_root_cannot_be_written(self):
        # The sandbox's own shell is outside; what is asked is whether the mount would let anybody.
        script = self.sandbox.command(["/usr/bin/headroom-operator", "--version"], {})
        probe = [part.replace('exec ', '! touch "$root/written" 2>/dev/null && exec ', 1) for part in script]
        self.assertEqual(subprocess.run(probe, capture_output=True, timeout=60, check=False).returncode, 0)
        self.assertFalse((self.root / "written").exists())


class Programs(Built):
    """With an API server, in the way a pod reaches it."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster("image")
        cls.addClassCleanup(cls.cluster.down)
        cls.cluster.install_headroom_crds()
        cls.cluster.kubectl("create", "namespace", "headroom-system")
        account = cls.folder / "account"
        account.mkdir()
        (account / "token").write_text(cls.cluster.token)
        (account / "ca.crt").write_text(cls.cluster.authority)
        (account / "namespace").write_text("headroom-system")
        host, port = cls.cluster.address.split(":")
        cls.pod = {"binds": {ACCOUNT: account},
                   "environment": {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}}
        # It tries for long before it says why it cannot; the other tests fill the time.
        cls.stranger = Process(cls.sandbox, *cls.operator_by_kubeconfig(), binds=cls.kubeconfig(), environment={})
        cls.addClassCleanup(cls.stranger.close)

    @classmethod
    def kubeconfig(cls):
        """Without an authority: the system's count."""
        config = cls.folder / "kubeconfig"
        config.write_text(textwrap.dedent(f"""
            apiVersion: v1
            kind: Config
            current-context: it
            clusters: [{{name: it, cluster: {{server: "https://{cls.cluster.address}"}}}}]
            users: [{{name: it, user: {{token: "{cls.cluster.token}"}}}}]
            contexts: [{{name: it, context: {{cluster: it, user: it}}}}]
            """))
        config.chmod(0o644)
        return {"/config": config}

    @staticmethod
    def operator_by_kubeconfig():
        return ["/usr/bin/headroom-operator", "--listen", "127.0.0.1:0", "--no-leader-election", "--kubeconfig", "/config"]

    def start(self, program, *arguments):
        process = Process(self.sandbox, f"/usr/bin/{program}", *arguments, **self.pod)
        self.addCleanup(process.close)
        return process

    def test_operator_reads_a_calendar_and_plans_by_the_zone(self):
        zone = zoneinfo.ZoneInfo("Asia/Kolkata")
        day = (datetime.datetime.now(zone) + datetime.timedelta(days=20)).date()
        calendar = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example.com//EN", "BEGIN:VEVENT", "UID:1@example.com",
                    "DTSTAMP:20260101T000000Z", f"DTSTART;VALUE=DATE:{day:%Y%m%d}", "SUMMARY:Diwali", "END:VEVENT",
                    "END:VCALENDAR", ""]
        holidays = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "holidays"},
                    "data": {"india.ics": "\r\n".join(calendar)}}
        path = self.folder / "holidays.json"
        path.write_text(json.dumps(holidays))
        self.cluster.kubectl("apply", "-f", path)
        self.cluster.create(schedule("diwali", "Asia/Kolkata"), dry_run=False)
        operator = self.start("headroom-operator", "--listen", "127.0.0.1:0", "--no-leader-election")

        def boundaries():
            stored = self.cluster.get("/apis/headroom.dev/v1alpha1/namespaces/default/festivalschedules/diwali")
            return [each["at"] for each in stored.get("status", {}).get("next", [])]

        midnight = datetime.datetime.combine(day, datetime.time(), zone).astimezone(datetime.timezone.utc)
        expected = [(midnight + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ") for days in (-2, 1)]
        self.assertEqual(operator.wait_for("the schedule's status", boundaries), expected)
        self.assertEqual(operator.stop(), 0, operator.log())

    def test_webhook_judges_over_tls_with_certificates_of_its_own(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        webhook = self.start(
            "headroom-webhook", "--listen", f"127.0.0.1:{port}", "--health-listen", "127.0.0.1:0", "--identity", "a",
            "--certificate-secret", "headroom-webhook-certificates", "--webhook-configuration", "headroom",
            "--webhook-url", f"https://127.0.0.1:{port}/validate", "--drain-seconds", "2", "--drain-delay-seconds", "0",
            "--lease-seconds", "3")

        wrong = schedule("thirteenth-month", "Asia/Kolkata")
        wrong["spec"]["occurrences"] = [{"name": "a", "start": "2027-01-01", "rrule": "FREQ=YEARLY;BYMONTH=13"}]

        def refusal():
            try:
                self.cluster.create(wrong)
                return ""
            except Refused as refused:
                return str(refused)

        said = webhook.wait_for("the webhook to be called", refusal, seconds=90)
        self.assertRegex(said, r"admission webhook .* denied the request: .*BYMONTH=13")
        self.cluster.create(schedule("good", "Asia/Kolkata"))
        self.assertEqual(webhook.stop(), 0, webhook.log())
        self.cluster.kubectl("delete", "validatingwebhookconfiguration", "headroom")

    def test_operator_trusts_by_the_bundle_of_the_image_and_by_nothing_else(self):
        bundle = self.folder / "bundle.crt"
        bundle.write_text((self.root / BUNDLE.lstrip("/")).read_text() + self.cluster.authority)

        def is_ready(process):
            port = re.search(r'"port":"?(\d+)', process.log())
            if not port:
                return False
            connection = http.client.HTTPConnection("127.0.0.1", int(port[1]), timeout=5)
            connection.request("GET", "/readyz")
            status = connection.getresponse().status
            connection.close()
            return status == 200

        trusting = Process(self.sandbox, *self.operator_by_kubeconfig(), binds={**self.kubeconfig(), BUNDLE: bundle},
                           environment={})
        self.addCleanup(trusting.close)
        trusting.wait_for("the operator to be ready", lambda: is_ready(trusting))
        self.stranger.wait_for("the server not to be trusted",
                               lambda: "signed by an authority that is not trusted" in self.stranger.log())
        self.assertFalse(is_ready(self.stranger))


def schedule(name, zone):
    return {"apiVersion": "headroom.dev/v1alpha1", "kind": "FestivalSchedule",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"timeZone": zone,
                     "occurrences": [{"name": "diwali", "calendarRef": {"configMap": "holidays", "key": "india.ics"}}],
                     "phases": [{"name": "peak", "from": "-P2D", "to": "P1D", "targets": {}, "multiplier": 3}]}}


if __name__ == "__main__":
    unittest.main(verbosity=2)
