"""What stands behind the pages while their commands run: a cluster with Headroom's own programs in its pods, a second
one beside it, a folder to work in with the project's files, and the programs that the pages call on PATH."""
import json
import os
import pathlib
import subprocess
import tempfile

import yaml

import chart
import pods
from cluster import FOREIGN, Cluster
from kubelet import CLUSTER_FLAGS, Kubelet
from pod_logs import PodLogs
from terminal import Terminal

OWN_OBJECTS = "festivalschedules,scalelimits,clusterscalelimits,scaletargets,regions"
NAMESPACES_OF_ALL_CLUSTERS = {"default", "kube-system", "kube-public", "kube-node-lease", chart.NAMESPACE}


def kubectl_program():
    """The one that belongs to the clusters of hack/cluster."""
    script = 'source hack/lib/report.sh; source hack/lib/tools.sh; tool_folder "kubernetes-$default_kubernetes"'
    done = subprocess.run(["bash", "-euc", script], cwd=chart.ROOT, env={**os.environ, "repository": str(chart.ROOT)},
                          capture_output=True, text=True, timeout=60, check=True)
    return pathlib.Path(done.stdout.strip()) / "kubectl"


class World:
    def __init__(self, programs):
        """`programs`: name → file."""
        self._folder = tempfile.TemporaryDirectory(prefix="headroom-docs-")
        self._undo = [self._folder.cleanup]
        self.folder = pathlib.Path(self._folder.name) / "work"
        self.folder.mkdir()
        for name in ("charts", "crds", "manifests"):
            (self.folder / name).symlink_to(chart.ROOT / name)
        self.cluster = self._start("docs")
        self._measure()
        self.second = None
        self.kubelet = Kubelet(self.cluster, programs)
        self._undo.append(self.kubelet.stop)
        self._undo.append(PodLogs(self.kubelet, self.folder.parent).stop)
        self.terminal = self._open_terminal(programs)

    def stop(self):
        for each in reversed(self._undo):
            each()

    def _start(self, name):
        cluster = Cluster(name, *pods.APISERVER_FLAGS, foreign=(*FOREIGN, "cloudnative-pg"), flags=CLUSTER_FLAGS)
        self._undo.append(cluster.down)
        return cluster

    def _open_terminal(self, programs):
        found = {**programs, "kubectl": kubectl_program(), "helm": chart.hack("helm", "4", "--path").strip(),
                 "kubectl-headroom": programs["headroom"]}
        path = self.folder.parent / "bin"
        path.mkdir()
        for name, program in found.items():
            (path / name).symlink_to(program)
        self.kubeconfig = self.folder.parent / "kubeconfig"
        self.kubeconfig.write_text(pathlib.Path(self.cluster.kubeconfig).read_text(encoding="utf-8"))
        terminal = Terminal(self.folder, {
            "PATH": f"{path}:/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder.parent), "LC_ALL": "C.UTF-8",
            "TZ": "UTC", "KUBECONFIG": str(self.kubeconfig)})
        self._undo.append(terminal.close)
        return terminal

    def _measure(self):
        """What `kubectl top` tells."""
        usage = self.folder.parent / "usage.json"
        usage.write_text(json.dumps([{"namespace": namespace, "perPod": {"cpu": "20m", "memory": "30Mi"}}
                                     for namespace in (chart.NAMESPACE, "shop")]))
        chart.hack("metrics", "up", self.cluster.name, "--usage", usage)

    def second_cluster(self):
        """Nodes and pods are played in it, too, and no program of ours runs."""
        if self.second is None:
            self.second = self._start("docs-second")
        return self.second

    # What pages take for granted.

    def installed(self, values=None):
        """Headroom as the chart installs it, with these values, at work, and none of the pages' objects before."""
        if self.cluster.get("crd", "scalelimits.headroom.dev"):
            self.without_objects()
        settings = self.folder.parent / "settings.yaml"
        settings.write_text(yaml.safe_dump(values or {}))
        self.cluster.helm("4", "upgrade", "headroom", chart.CHART, "--install", "--create-namespace", "--reset-values",
                          "--values", settings, "--wait", "--timeout", "3m")
        self.at_work()

    def at_work(self):
        def told():
            self.running()
            code, said = self.terminal.run("headroom status -A", 30)
            return code in (0, 1) and "webhook" in said.lower()
        self.cluster.until("Headroom to be at work", told, 120)

    def running(self):
        self.cluster.until("three webhooks and two operators to be ready", lambda: (
            self.kubelet.ready("webhook") == 3 and self.kubelet.ready("operator") == 2), 120)

    def uninstalled(self):
        """Nothing left but definitions."""
        if "headroom" not in self.cluster.helm("4", "list", "--short"):
            return
        if self.cluster.get("deployment", "headroom-operator", "--namespace", chart.NAMESPACE):
            self.running()
        self.cluster.helm("4", "uninstall", "headroom", "--wait", "--timeout", "2m")
        self.cluster.until("all pods to be gone", lambda: not self.cluster.items(
            "pods", "--namespace", chart.NAMESPACE), 120)

    def without_objects(self):
        """No object of Headroom's kinds, and no namespace of users."""
        # Regions that cannot be reached would be waited for.
        self.cluster.kubectl("annotate", "scaletargets,festivalschedules,regions", "--all", "--all-namespaces",
                             "headroom.dev/force-delete=true")
        self.cluster.kubectl("delete", OWN_OBJECTS, "--all", "--all-namespaces")
        names = {one["metadata"]["name"] for one in self.cluster.items("namespaces")} - NAMESPACES_OF_ALL_CLUSTERS
        if names:
            self.cluster.kubectl("delete", "namespaces", *sorted(names))

    def apply(self, text, *arguments):
        self.cluster.kubectl("apply", *arguments, "--filename", "-", text=text)

    def namespace(self, name):
        self.apply(f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}}}}}")

    def store(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")

    def region_of_second_cluster(self, name):
        """Gives the person's kubeconfig a context of this name for the second cluster, and stores a kubeconfig as the
        operator's pods need it."""
        config = yaml.safe_load(pathlib.Path(self.second_cluster().kubeconfig).read_text(encoding="utf-8"))
        mine = yaml.safe_load(self.kubeconfig.read_text(encoding="utf-8"))
        for kind in ("clusters", "users", "contexts"):
            mine[kind] = [each for each in mine[kind] if each["name"] != name] + [{**config[kind][0], "name": name}]
        mine["contexts"][-1]["context"] = {"cluster": name, "user": name}
        self.kubeconfig.write_text(yaml.safe_dump(mine))
        config["clusters"][0]["cluster"]["server"] = f"https://{pods.SERVICE_HOST}:{self.second_cluster().port}"
        self.store(f"{name}.kubeconfig", json.dumps(config))
