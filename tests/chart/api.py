"""Requests to a cluster's API server without a program for each: for what asks often, or watches."""
import base64
import http.client
import json
import pathlib
import ssl
import time
import urllib.parse

import yaml

import chart

SERVER_SIDE_APPLY = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
IDLE_SECONDS = 30


class Api:
    """One connection of an administrator, so for one thread. What fails for the network's sake is raised, not tried
    again."""

    def __init__(self, cluster):
        path = chart.hack("cluster", "kubeconfig", cluster.name, "--token").strip()
        config = yaml.safe_load(pathlib.Path(path).read_text(encoding="utf-8"))
        server = config["clusters"][0]["cluster"]
        tls = ssl.create_default_context(
            cadata=base64.b64decode(server["certificate-authority-data"]).decode())
        self._connection = http.client.HTTPSConnection(
            urllib.parse.urlparse(server["server"]).netloc, context=tls, timeout=60)
        self._token = config["users"][0]["user"]["token"]
        self._used = 0

    def ask(self, method, path, body=None, content="application/json"):
        """(status, object) of the answer."""
        # API servers close connections that nobody uses.
        if time.monotonic() - self._used > IDLE_SECONDS:
            self._connection.close()
        self._used = time.monotonic()
        self._connection.request(method, path, None if body is None else json.dumps(body), {
            "Authorization": f"Bearer {self._token}", "Content-Type": content, "User-Agent": "headroom-test"})
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def get(self, path):
        """The object or list; None when there is no such object."""
        status, found = self.ask("GET", path)
        if status == 404:
            return None
        if status != 200:
            raise chart.Refused(f"GET {path}: {status} {found}")
        return found

    def watch(self, path, resource_version):
        """Every event after that version, in order, until close()."""
        self._connection.close()
        self._connection.timeout = None  # for the next one
        self._connection.request("GET", f"{path}?watch=true&resourceVersion={resource_version}",
                                 headers={"Authorization": f"Bearer {self._token}"})
        answer = self._connection.getresponse()
        while line := answer.readline():
            yield json.loads(line)

    def close(self):
        """Ends a watch in another thread, too."""
        if self._connection.sock:
            self._connection.sock.shutdown(2)
        self._connection.close()
