"""Clients that create objects at once, as many as a limit lets in."""
import contextlib
import random
import threading
import time

from api import NO_ANSWER, Api

COME_BACK = (NO_ANSWER, 429, 503)


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

    def stored(self, api):
        return len(api.get(self._path)["items"])

    def _write(self, number):
        jitter = random.Random(number)
        with contextlib.closing(Api(self._cluster)) as api:
            status, answer, made = 201, {}, 0
            while status in (201, *COME_BACK) and time.monotonic() < self._deadline:
                status, answer = api.ask("POST", self._path, self._make(f"w{number}-{made}"))
                if status == 409:  # it is stored, and its answer was lost
                    status = 201
                with self._lock:
                    self.created += status == 201
                    self.repeated += status in COME_BACK
                made += status == 201
                time.sleep(jitter.uniform(0, self._pause))
            stored = self.stored(api)
        with self._lock:
            self.refusals.append((status, answer.get("message", ""), stored))
