"""Every revision of the objects of a list, in order: what a look now and then would miss."""
import collections
import threading
import time

Revision = collections.namedtuple("Revision", "at change namespace name seen")


class History:
    """Follows a list, such as /apis/apps/v1/deployments, from when it is made until stop(). Of each object it keeps
    what `of_interest` makes of it."""

    def __init__(self, api, path, of_interest):
        self._api, self._of_interest = api, of_interest
        self._revisions, self._lock, self._problem, self._stop = [], threading.Lock(), None, False
        listed = api.get(path)
        for item in listed["items"]:
            self._note("ADDED", item)
        self._events = api.watch(path, listed["metadata"]["resourceVersion"])
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def revisions(self, namespace=None, name=None):
        """All, or those of a namespace, or of one object; `change` is ADDED, MODIFIED or DELETED, `at` time.time()."""
        with self._lock:
            if self._problem:
                raise AssertionError(f"the watch ended: {self._problem}")
            return [one for one in self._revisions
                    if namespace in (None, one.namespace) and name in (None, one.name)]

    def changes(self, namespace, name, part=lambda seen: seen):
        """Of one object the first revision, and each in which that part of what is seen differs from the one before."""
        found = self.revisions(namespace, name)
        return [one for before, one in zip([None, *found], found)
                if before is None or part(before.seen) != part(one.seen)]

    def stop(self):
        self._stop = True
        self._api.close()
        self._thread.join()

    def _note(self, change, item):
        meta = item["metadata"]
        with self._lock:
            self._revisions.append(
                Revision(time.time(), change, meta.get("namespace"), meta["name"], self._of_interest(item)))

    def _follow(self):
        try:
            for event in self._events:
                if event["type"] not in ("ADDED", "MODIFIED", "DELETED"):
                    raise RuntimeError(f"{event}")
                self._note(event["type"], event["object"])
            raise RuntimeError("the API server closed it")
        except Exception as problem:  # a thread's end has to be told
            if not self._stop:
                with self._lock:
                    self._problem = problem
