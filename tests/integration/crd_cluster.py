"""An API server without controllers, started with hack/cluster, and the few requests that these tests make of it."""
import base64
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import tempfile
import time
import urllib.parse

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
GROUP = "headroom.dev/v1alpha1"
PLURALS = {"Region": "regions", "ScaleTarget": "scaletargets", "FestivalSchedule": "festivalschedules",
           "ScaleLimit": "scalelimits", "ClusterScaleLimit": "clusterscalelimits", "LimitLedger": "limitledgers"}
CLUSTER_SCOPED = {"Region", "ClusterScaleLimit"}


class Refused(Exception):
    """What the API server said of an object that it did not take."""

    def __init__(self, status):
        super().__init__(status.get("message", ""))
        self.code = status.get("code")
        self.causes = [(cause.get("field", ""), cause.get("message", ""))
                       for cause in status.get("details", {}).get("causes", [])]


class Cluster:
    def __init__(self, name="crds"):
        self.name = f"{name}-{os.getpid()}"
        self._hack("cluster", "up", self.name, "--without-controllers")
        config = yaml.safe_load(
            pathlib.Path(self._hack("cluster", "kubeconfig", self.name, "--token").strip()).read_text())
        cluster = config["clusters"][0]["cluster"]
        self.token = config["users"][0]["user"]["token"]
        self.address = urllib.parse.urlparse(cluster["server"]).netloc
        self.authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._tls = ssl.create_default_context(cadata=self.authority)
        self._connection = http.client.HTTPSConnection(self.address, context=self._tls, timeout=30)

    def down(self):
        self._connection.close()
        self._hack("cluster", "down", self.name)

    def add_foreign_crds(self, *projects):
        self._hack("crds", self.name, *projects)

    def kubeconfig(self):
        """Path of the administrator's."""
        return self._hack("cluster", "kubeconfig", self.name).strip()

    def kubectl(self, *arguments, check=True):
        return self._hack("cluster", "kubectl", self.name, *map(str, arguments), check=check)

    def install_headroom_crds(self):
        self.kubectl("apply", "-f", ROOT / "crds")
        for plural in PLURALS.values():
            self.kubectl("wait", "--for=condition=Established", f"crd/{plural}.headroom.dev", "--timeout=30s")
        # Established is said a moment before the types are served everywhere.
        self._until(lambda: all(self.get(f"/apis/{GROUP}/{plural}") for plural in PLURALS.values()))

    def crd(self, kind):
        return self.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{PLURALS[kind]}.headroom.dev")

    def create(self, resource, dry_run=True):
        return self._send("POST", self._collection(resource), resource, dry_run)

    def update(self, resource, dry_run=True, subresource=""):
        path = f"{self._collection(resource)}/{resource['metadata']['name']}{subresource}"
        return self._send("PUT", path, resource, dry_run)

    def patch(self, resource, operations):
        """A JSON patch of the stored object."""
        path = f"{self._collection(resource)}/{resource['metadata']['name']}"
        status, answer = self._request("PATCH", path, operations, "application/json-patch+json")
        if status >= 300:
            raise Refused(answer)
        return answer

    def get(self, path):
        status, answer = self._request("GET", path)
        return answer if status == 200 else None

    def _send(self, method, path, resource, dry_run):
        status, answer = self._request(method, path + ("?dryRun=All&fieldValidation=Strict" if dry_run else ""),
                                       resource)
        if status >= 300:
            raise Refused(answer)
        return answer

    def _collection(self, resource):
        plural = PLURALS[resource["kind"]]
        if resource["kind"] in CLUSTER_SCOPED:
            return f"/apis/{GROUP}/{plural}"
        return f"/apis/{GROUP}/namespaces/{resource['metadata'].get('namespace', 'default')}/{plural}"

    def _request(self, method, path, body=None, content_type="application/json"):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = self._connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text.startswith(b"{") else {}

    def _until(self, condition, seconds=30):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} does not serve the new types after {seconds} s")
            time.sleep(0.05)

    @staticmethod
    def _hack(tool, *arguments, check=True):
        with tempfile.TemporaryFile("w+") as errors:
            done = subprocess.run([ROOT / "hack" / tool, *arguments], stdout=subprocess.PIPE, stderr=errors, text=True,
                                  timeout=240, check=False)
            if check and done.returncode != 0:
                errors.seek(0)
                raise RuntimeError(f"hack/{tool} {' '.join(arguments)}:\n{done.stdout}{errors.read()}")
            return done.stdout
