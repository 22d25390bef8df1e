"""Clients that create objects at once, as many as a limit lets in."""
import http.client
import json
import pathlib
import random
import ssl
import threading
import time

COME_BACK = (429, 503)


class Connection:
    """An administrator's, without retries of its own. For one thread, in a `with` statement."""

    def __init__(self, cluster):
        certificates = pathlib.Path(cluster.kubeconfig).parent / "certs"
        context = ssl.create_default_context(cafile=certificates / "ca.crt")
        context.load_cert_chain(certificates / "admin.crt", certificates / "admin.key")
        self._connection = http.client.HTTPSConnection("127.0.0.1", cluster.port, context=context, timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def ask(self, method, path, content=None):
        """Status, and the object that was answered; as a 503 where no answer came."""
        try:
            self._connection.request(method, path, json.dumps(content) if content else None,
                                     {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException) as failure:
            self._connection.close()  # the next request opens it anew
            return 503, {"message": str(failure)}


class Writers:
    """`count` threads; each creates one object after the other until one is refused for good. What comes back with one
    of COME_BACK is tried again, as clients do."""

    def __init__(self, cluster, path, count, make, pause, seconds):
        """`make`: name → object. Each waits up to `pause` seconds between its writes, and ends after `seconds`."""
        self._cluster, self._path, self._make, self._pause = cluster, path, make, pause
        self._deadline = time.monotonic() + seconds
        self._lock = threading.Lock()
        self.created, self.repeated = 0, 0
        self.refusals = []  # (status, message, how many were stored right after it), one of each writer
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def join(self):
        for thread in self._threads:
            thread.join()

    def stored(self, connection):
        _, page = connection.ask("GET", self._path)
        return len(page["items"])

    def _write(self, number):
        jitter = random.Random(number)
        with Connection(self._cluster) as connection:
            status, answer, made = 201, {}, 0
            while status in (201, *COME_BACK) and time.monotonic() < self._deadline:
                status, answer = connection.ask("POST", self._path, self._make(f"w{number}-{made}"))
                if status == 409:  # it is stored, and its answer was lost
                    status = 201
                with self._lock:
                    self.created += status == 201
                    self.repeated += status in COME_BACK
                made += status == 201
                time.sleep(jitter.uniform(0, self._pause))
            stored = self.stored(connection)
        with self._lock:
            self.refusals.append((status, answer.get("message", ""), stored))
