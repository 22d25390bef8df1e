"""How sizes change: each change that an API server tells of, in its order."""
import os
import signal
import subprocess
import threading

import chart


class Timeline:
    """Follows one number of each object of some resources from now on, until it is stopped."""

    def __init__(self, cluster, namespace, fields):
        """`fields`: resource → JSONPath of its number."""
        self._lock, self._events = threading.Lock(), []
        self._watches, self._readers = [], []
        for resource, path in fields.items():
            watch = subprocess.Popen(
                [chart.ROOT / "hack" / "cluster", "kubectl", cluster.name, "get", resource, "--namespace", namespace,
                 "--watch", "--output", f'jsonpath={{.metadata.name}} {{{path}}}{{"\\n"}}'],
                stdout=subprocess.PIPE, text=True, start_new_session=True)
            reader = threading.Thread(target=self._read, args=(watch,))
            reader.start()
            self._watches.append(watch)
            self._readers.append(reader)

    def _read(self, watch):
        for line in watch.stdout:
            name, number = line.split()
            with self._lock:
                self._events.append((name, int(number)))

    def stop(self):
        for watch in self._watches:
            os.killpg(watch.pid, signal.SIGTERM)
            watch.wait(10)
        for reader in self._readers:
            reader.join(10)

    def states(self):
        """Name → size of all that are known, at the start and after each change."""
        now, found = {}, []
        with self._lock:
            events = list(self._events)
        for name, number in events:
            if now.get(name) != number:
                now[name] = number
                found.append(dict(now))
        return found

    def now(self):
        return (self.states() or [{}])[-1]

    def sizes(self, name):
        """Those of one object, without repetitions."""
        return without_repetitions(state[name] for state in self.states() if name in state)


def without_repetitions(sizes):
    found = []
    for size in sizes:
        if not found or found[-1] != size:
            found.append(size)
    return found
