"""A GitOps tool as far as objects of a cluster see one: it applies what Git says, server-side, again and again."""
import copy
import threading
import time

from api import SERVER_SIDE_APPLY

PATHS = {"Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments/{name}",
         "HorizontalPodAutoscaler":
             "/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{name}"}


def path_of(applied):
    meta = applied["metadata"]
    return PATHS[applied["kind"]].format(namespace=meta["namespace"], name=meta["name"])


def take_over(fields, live, into):
    """Copies what `fields`, in the form of managedFields, names of a live object."""
    for key, below in fields.items():
        kind, _, name = key.partition(":")
        if kind != "f" or name not in live:
            continue
        if isinstance(live[name], dict) and set(below) - {"."}:
            take_over(below, live[name], into.setdefault(name, {}))
        else:
            into[name] = live[name]


def with_ignored(applied, live, managers):
    """What Argo CD applies with ignoreDifferences.managedFieldsManagers and RespectIgnoreDifferences: in fields of
    those managers the value that it has seen in the cluster, whatever Git says."""
    merged = copy.deepcopy(applied)
    for entry in live["metadata"]["managedFields"]:
        if entry["manager"] in managers and entry.get("subresource") != "status":
            take_over(entry["fieldsV1"], live, merged)
    return merged


class GitTool:
    """Applies its objects in a thread, each round `period` seconds after the one before, with force; once only where
    it does not heal."""

    def __init__(self, api, manager, period, git, ignores=(), heals=True):
        self._api, self._manager, self._period, self._ignores = api, manager, period, ignores
        self._git, self._heals, self._rounds, self._problem = git, heals, [], None
        self._changed, self._stop = threading.Condition(), False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def push(self, git, seconds=30):
        """Git says this from now on; returns when it has been applied."""
        with self._changed:
            self._git = git
            wanted = len(self._rounds) + 2  # one may be under way
            if not self._changed.wait_for(lambda: self._problem or len(self._rounds) >= wanted, seconds):
                raise TimeoutError(f"{self._manager} did not apply within {seconds} s")
        self.rounds()

    def heal(self):
        """From now on."""
        with self._changed:
            self._heals = True
            self._changed.notify_all()

    def rounds(self):
        """When each round was done, as time.time(); fails with what the API server said against one."""
        with self._changed:
            if self._problem:
                raise AssertionError(f"{self._manager}: {self._problem}")
            return list(self._rounds)

    def stop(self):
        with self._changed:
            self._stop = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self):
        try:
            while not self._stop:
                self._round()
        except Exception as problem:  # a thread's end has to be told
            with self._changed:
                self._problem = problem
                self._changed.notify_all()

    def _round(self):
        with self._changed:
            git = self._git
        for applied in git:
            if self._ignores and (live := self._api.get(path_of(applied))):
                applied = with_ignored(applied, live, self._ignores)
            status, said = self._api.ask("PATCH", f"{path_of(applied)}?fieldManager={self._manager}&force=true",
                                         applied, SERVER_SIDE_APPLY)
            if status not in (200, 201):
                raise RuntimeError(f"{applied['kind']} {applied['metadata']['name']}: {status} {said}")
        with self._changed:
            self._rounds.append(time.time())
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._stop, self._period)
            self._changed.wait_for(lambda: self._stop or self._heals)
