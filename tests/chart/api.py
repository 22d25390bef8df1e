"""Requests to a cluster's API server without a program for each: for what asks often, or watches."""
import http.client
import json
import pathlib
import ssl
import time

import chart

NO_ANSWER = 0  # in place of a status
SERVER_SIDE_APPLY = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
IDLE_SECONDS = 30


class Api:
    """One connection of an administrator, so for one thread. Nothing is tried again."""

    def __init__(self, cluster):
        certificates = pathlib.Path(cluster.kubeconfig).parent / "certs"
        tls = ssl.create_default_context(cafile=certificates / "ca.crt")
        tls.load_cert_chain(certificates / "admin.crt", certificates / "admin.key")
        self._connection = http.client.HTTPSConnection("127.0.0.1", cluster.port, context=tls, timeout=60)
        self._used = 0

    def ask(self, method, path, body=None, content="application/json"):
        """(status, object) of the answer; where none came, or none of JSON, NO_ANSWER and a message."""
        # API servers close connections that nobody uses.
        if time.monotonic() - self._used > IDLE_SECONDS:
            self._connection.close()
        self._used = time.monotonic()
        try:
            self._connection.request(method, path, None if body is None else json.dumps(body), {
                "Content-Type": content, "User-Agent": "headroom-test"})
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, ValueError, http.client.HTTPException) as problem:
            self._connection.close()  # the next request opens it anew
            return NO_ANSWER, {"message": repr(problem)}

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
        self._connection.request("GET", f"{path}?watch=true&resourceVersion={resource_version}")
        answer = self._connection.getresponse()
        while line := answer.readline():
            yield json.loads(line)

    def close(self):
        """Ends a watch in another thread, too."""
        if self._connection.sock:
            self._connection.sock.shutdown(2)
        self._connection.close()
