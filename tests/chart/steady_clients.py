"""Clients that write ConfigMaps all the time, as those that a limit is for, and remember what became of it."""
import collections
import random
import threading
import time

import api

Refusal = collections.namedtuple("Refusal", "sent answered message")

CHANGES = 8  # of an object of a steady writer, between its creation and its end
MOST_TRIES = 20


class Writer:
    """One client, in a thread of its own. What says when to try again (429, and 503 of a webhook that cannot judge now)
    is tried again then, as clients of Kubernetes do; a 403 is a refusal; all else but success is a failure."""

    def __init__(self, cluster, namespace, number, per_second):
        self._api = api.Api(cluster)
        self._path, self._number = f"/api/v1/namespaces/{namespace}/configmaps", number
        self._pause = 1 / per_second
        self.writes, self.waits, self.slowest = 0, 0, 0.0
        self.refusals, self.failures = [], []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def turns(self):
        """Names to write, and what: create, change or delete; told whether the one before succeeded."""
        raise NotImplementedError

    def stop(self):
        self._stop.set()
        self._thread.join()
        self._api.close()

    def _run(self):
        turns = self.turns()
        what = next(turns)
        due = time.monotonic()
        while not self._stop.is_set():
            due = max(due + self._pause, time.monotonic())
            what = turns.send(self._write(*what))
            self._stop.wait(due - time.monotonic())

    def _write(self, verb, name):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"w{self._number}-{name}"},
                "data": {"turn": str(self.writes)}}
        path = f"{self._path}/w{self._number}-{name}"
        for _ in range(MOST_TRIES):
            begun, sent = time.monotonic(), time.time()
            if verb == "create":
                status, said = self._api.ask("POST", self._path, body)
            elif verb == "change":
                status, said = self._api.ask("PATCH", path, body, api.MERGE_PATCH)
            else:
                status, said = self._api.ask("DELETE", path)
            self.writes += 1
            self.slowest = max(self.slowest, time.monotonic() - begun)
            pause = said.get("details", {}).get("retryAfterSeconds")
            if status not in (429, 503) or not pause:
                break
            self.waits += 1
            if self._stop.wait(pause):
                return False
        if status == 403:
            self.refusals.append(Refusal(sent, time.time(), said.get("message", "")))
        elif not 200 <= status < 300:
            self.failures.append(f"{time.strftime('%H:%M:%S', time.gmtime())} {verb} {path}: {status} "
                                 f"{said.get('message')}")
        return 200 <= status < 300


class SteadyWriter(Writer):
    """Creates a few objects, changes and deletes them: has never more than four."""

    def turns(self):
        while True:
            for verb in ("create", *["change"] * CHANGES, "delete"):
                for name in range(4):
                    yield verb, name


class GreedyWriter(Writer):
    """Creates more often than it deletes, until it has `wanted` objects."""

    def __init__(self, wanted, *arguments):
        self._wanted = wanted
        super().__init__(*arguments)

    def turns(self):
        chance = random.Random(self._number)
        there, names = set(), range(self._wanted)
        while True:
            missing = [name for name in names if name not in there]
            if not missing or (there and chance.random() < 0.35):
                name = chance.choice(sorted(there))
                if (yield "delete", name):
                    there.discard(name)
            else:
                name = chance.choice(missing)
                if (yield "create", name):
                    there.add(name)
