"""Runs the pods of the chart as a kubelet does, where those of tests/cluster/kubelets only play: a pod is ready when
its probe says so and no longer than that, one that is deleted is told to end and has its time for that, and one of a
Job is complete when it ends by itself.

Everything is inside of pods.in_private_network(). The cluster needs CLUSTER_FLAGS. A pod without the annotation of
`not_played()` is called ready by the cluster's kubelets, too, until this one has first looked at it.
"""
import datetime
import http.client
import pathlib
import signal
import sys
import tempfile
import threading
import time

import api
import chart
from pods import Pod

CLUSTER_FLAGS = ("--leave-jobs",)
WARM_UP = "kubelets.headroom.dev/warm-up"
PODS = f"/api/v1/namespaces/{chart.NAMESPACE}/pods"
PROBE_SECONDS = 0.5


def not_played():
    """For the chart's values of a component: its pods are made ready by nobody else."""
    return {"podAnnotations": {WARM_UP: "24h"}}


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def condition(kind, holds):
    return {"type": kind, "status": "True" if holds else "False", "lastTransitionTime": now()}


def succeeds(address, probe):
    connection = http.client.HTTPConnection(address, probe["port"], timeout=3)
    try:
        connection.request("GET", probe["path"])
        return 200 <= connection.getresponse().status < 400
    except OSError:
        return False
    finally:
        connection.close()


class Running:
    """A pod and its process."""

    def __init__(self, number, pod, programs, cluster, folder):
        self.uid, self.path = pod["metadata"]["uid"], f"{PODS}/{pod['metadata']['name']}"
        self.started, self.ready, self.over = now(), False, False
        self.grace = pod["spec"].get("terminationGracePeriodSeconds", 30)
        self.restarts = pod["spec"]["restartPolicy"] == "Always"
        self._container = pod["spec"]["containers"][0]
        ports = {one["name"]: one["containerPort"] for one in self._container.get("ports", [])}
        self._probe = self._container.get("readinessProbe", {}).get("httpGet")
        if self._probe:
            self._probe = {**self._probe, "port": ports.get(self._probe["port"], self._probe["port"])}
        # Beside those that the cluster's kubelets give.
        address = pod["status"].get("podIP") or f"10.80.{number // 250}.{number % 250 + 1}"
        self.pod = Pod(number, {**pod, "status": {"podIP": address}}, programs, cluster, folder)

    def ended(self):
        return self.pod.process.poll() is not None

    def answers(self):
        return not self._probe or succeeds(self.pod.address, self._probe)

    def status(self):
        code = self.pod.process.poll()
        phase, state = "Running", {"running": {"startedAt": self.started}}
        if code is not None:
            # A pod that restarts its container has no end, and so nobody makes another one in its place.
            phase = phase if self.restarts else "Succeeded" if code == 0 else "Failed"
            state = {"terminated": {"exitCode": code % 256, "startedAt": self.started, "finishedAt": now()}}
        name, image = self._container["name"], self._container["image"]
        return {"phase": phase, "podIP": self.pod.address, "podIPs": [{"ip": self.pod.address}],
                "startTime": self.started,
                "conditions": [condition("PodScheduled", True), condition("Initialized", True),
                               condition("ContainersReady", self.ready), condition("Ready", self.ready)],
                "containerStatuses": [{"name": name, "image": image, "imageID": image, "ready": self.ready,
                                       "started": code is None, "restartCount": 0, "state": state}]}


class Kubelet:
    """Follows the pods of Headroom's namespace."""

    def __init__(self, cluster, programs):
        self._cluster, self._programs, self._api = cluster, programs, api.Api(cluster)
        self._folder = tempfile.TemporaryDirectory(prefix="headroom-kubelet-")
        self._running, self._ending, self._said, self._started = {}, [], [], 0
        self._lock, self._stop, self._problem = threading.Lock(), threading.Event(), None
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def pods(self, *components):
        """Those of these components that nobody has deleted; fails with what went wrong meanwhile."""
        return [one.pod for one in self._followed(components)]

    def ready(self, component):
        """How many of a component are; fails as pods() does."""
        return sum(one.ready for one in self._followed((component,)))

    def text(self, component):
        """What all pods of a component that ever ran have said."""
        with self._lock:
            return "\n".join(f"--- {pod.name}\n{pod.text()}" for pod in self._said if pod.component == component)

    def stop(self):
        self._stop.set()
        self._thread.join()
        for one in [*self._running.values(), *self._ending]:
            one.pod.end(signal.SIGKILL)
            one.pod.gone(10)
        self._folder.cleanup()

    def _followed(self, components):
        with self._lock:
            if self._problem:
                raise RuntimeError(f"the kubelet stopped: {self._problem}")
            return [one for one in self._running.values() if one.pod.component in components]

    def _follow(self):
        try:
            while not self._stop.wait(PROBE_SECONDS):
                self._look()
        except Exception as problem:  # a thread's end has to be told
            with self._lock:
                self._problem = problem

    def _look(self):
        there = {pod["metadata"]["uid"]: pod for pod in self._api.get(PODS)["items"]
                 if pod["spec"].get("nodeName") and "deletionTimestamp" not in pod["metadata"]}
        for uid in set(self._running) - set(there):
            self._end(uid)
        for uid, pod in there.items():
            if uid not in self._running:
                self._start(uid, pod)
        for one in self._running.values():
            self._tend(one)
        self._kill_late_ones()

    def _start(self, uid, pod):
        if WARM_UP not in pod["metadata"].get("annotations", {}) and pod["status"]["phase"] != "Running":
            return  # it is not this one's before another has given it an address
        self._started += 1
        # A pod of a hook has the name of the one before.
        folder = pathlib.Path(self._folder.name) / str(self._started)
        folder.mkdir()
        one = Running(self._started, pod, self._programs, self._cluster, folder)
        with self._lock:
            self._running[uid] = one
            self._said.append(one.pod)
        self._tell(one)

    def _tend(self, one):
        if one.over:
            return
        ended = one.ended()
        if ended and one.restarts and not one.pod.told_to_end:
            raise RuntimeError(f"{one.pod.name} ended by itself:\n{one.pod.text()[-3000:]}")
        ready = not ended and one.answers()
        if ready != one.ready or ended:
            one.ready, one.over = ready, ended
            self._tell(one)
        if ended:
            code = one.pod.process.returncode
            print(f"{one.pod.name} ended with {code}:\n{one.pod.text()}", file=sys.stderr, flush=True)

    def _tell(self, one):
        status, said = self._api.ask("PATCH", f"{one.path}/status", {
            "metadata": {"uid": one.uid}, "status": one.status()}, api.MERGE_PATCH)
        if status not in (200, 404, 409):  # another may have its name by now
            raise chart.Refused(f"{one.path}: {status} {said}")

    def _end(self, uid):
        with self._lock:
            one = self._running.pop(uid)
        one.pod.end()
        self._ending.append(one)

    def _kill_late_ones(self):
        for one in self._ending:
            if time.monotonic() - one.pod.told_to_end > one.grace:
                one.pod.end(signal.SIGKILL)
        for one in [one for one in self._ending if one.ended()]:
            self._ending.remove(one)
            one.pod.gone(1)
