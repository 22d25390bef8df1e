"""Runs the programs of the chart's pods as on a node, in a private network of this machine.

A pod has a network namespace with its address, in which the container's command runs with the pod's arguments,
environment and mounts, and a token of its ServiceAccount from TokenRequest; so API servers reach it through its
Service, and it finds its API server as in a cluster. Which pods there are is followed by kubelet.Kubelet.

`in_private_network()` has to come first: everything, the cluster too, runs inside of it, without being root outside.
"""
import base64
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time

import yaml

SERVICE_HOST = "10.96.0.1"  # certificates of hack/cluster's API servers are for it, too
GATEWAY = "10.64.0.1"       # of the range from which nodes give addresses
PREFIX = 10                 # wide enough for pods (10.64.0.0/14) and Services (10.96.0.0/16)
ACCOUNT_FOLDER = "/run/secrets/kubernetes.io/serviceaccount"
INSIDE = "HEADROOM_PRIVATE_NETWORK"
APISERVER_FLAGS = ("--bind-address=0.0.0.0",)


def sh(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{shlex.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


def in_private_network():
    """Starts this program anew in namespaces of its own, unless it is there already."""
    if os.environ.get(INSIDE) != "yes":
        os.environ[INSIDE] = "yes"
        os.execvp("unshare", ["unshare", "--user", "--map-root-user", "--net", "--mount", sys.executable, *sys.argv])
    sh("ip", "link", "set", "lo", "up")
    sh("ip", "address", "add", f"{SERVICE_HOST}/32", "dev", "lo")
    # A bridge without an address of its own takes one of its ports', and another when that pod goes: pods that know the
    # gateway by it would be cut off for half a minute.
    sh("ip", "link", "add", "pods", "address", "02:00:00:00:00:01", "type", "bridge")
    sh("ip", "address", "add", f"{GATEWAY}/{PREFIX}", "dev", "pods")
    sh("ip", "link", "set", "pods", "up")


class Pod:
    """One container's process; its output lies in `log`."""

    def __init__(self, number, pod, programs, cluster, folder):
        self.name = pod["metadata"]["name"]
        self.component = pod["metadata"]["labels"].get("app.kubernetes.io/component")
        self.address = pod["status"]["podIP"]
        self.log = folder / f"{self.name}.log"
        self._folder = folder / self.name
        self._link = f"pod{number}"
        container = pod["spec"]["containers"][0]
        self._write_mounts(pod, container, cluster)
        environment = self._environment(pod, container, cluster)
        arguments = [self._expanded(one, environment) for one in container["command"][1:] + container.get("args", [])]
        program = programs[pathlib.PurePath(container["command"][0]).name]
        # The inner shell waits until its network is plugged in from out here.
        mounts = "".join(f"mkdir -p {target} && mount --bind {source} {target} && "
                         for source, target in self._mounts.items())
        # Folders that this machine lacks can be made in /etc and /run, which are copies from here on.
        script = ("read _ && ip link set lo up && mount -t tmpfs none /run && mkdir /run/changes /run/work && "
                  "mount -t overlay -o lowerdir=/etc,upperdir=/run/changes,workdir=/run/work none /etc && "
                  f"{mounts}exec \"$@\"")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--net", "--mount", "--uts", "sh", "-ec", f"hostname {self.name} && {script}", "sh", program,
                 *arguments], stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, env=environment)
        self._plug_in()
        self.started, self.told_to_end = time.monotonic(), None

    def _write_mounts(self, pod, container, cluster):
        namespace, account = pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"]
        token = self._folder / "token"
        token.mkdir(parents=True)
        said, _ = cluster.kubectl("create", "token", account, "--namespace", namespace)
        (token / "token").write_text(said.strip())
        config = yaml.safe_load(pathlib.Path(cluster.kubeconfig).read_text(encoding="utf-8"))
        (token / "ca.crt").write_bytes(
            base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]))
        (token / "namespace").write_text(namespace)
        self._mounts = {token: ACCOUNT_FOLDER}
        volumes = {one["name"]: one for one in pod["spec"].get("volumes", [])}
        for mount in container.get("volumeMounts", []):
            volume = volumes[mount["name"]]
            if "secret" in volume:
                found = cluster.get("secret", volume["secret"]["secretName"], "--namespace", namespace)
                files = {name: base64.b64decode(data) for name, data in found["data"].items()}
            elif "configMap" in volume:
                found = cluster.get("configmap", volume["configMap"]["name"], "--namespace", namespace)
                files = {name: data.encode() for name, data in found["data"].items()}
            else:
                continue
            source = self._folder / mount["name"]
            source.mkdir()
            for name, content in files.items():
                (source / name).write_bytes(content)
            self._mounts[source] = mount["mountPath"]

    def _environment(self, pod, container, cluster):
        environment = {"PATH": os.environ["PATH"], "HOSTNAME": self.name, "KUBERNETES_SERVICE_HOST": SERVICE_HOST,
                       "KUBERNETES_SERVICE_PORT": str(cluster.port)}
        for one in container.get("env", []):
            source = one.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
            environment[one["name"]] = pod["metadata"]["name"] if source == "metadata.name" else one.get("value", "")
        return environment

    @staticmethod
    def _expanded(argument, environment):
        for name, value in environment.items():
            argument = argument.replace(f"$({name})", value)
        return argument

    def _wait_for_network(self):
        """Until then the process is in ours, and what is plugged in would be, too."""
        deadline = time.monotonic() + 30
        ours = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{self.process.pid}/ns/net") == ours:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} has no network of its own")
            time.sleep(0.01)

    def _plug_in(self):
        self._wait_for_network()
        process = str(self.process.pid)
        sh("ip", "link", "add", self._link, "type", "veth", "peer", "name", "eth0", "netns", process)
        sh("ip", "link", "set", self._link, "master", "pods", "up")
        enter = ("nsenter", "--target", process, "--net", "--")
        sh(*enter, "ip", "address", "add", f"{self.address}/{PREFIX}", "dev", "eth0")
        sh(*enter, "ip", "link", "set", "eth0", "up")
        sh(*enter, "ip", "route", "add", f"{SERVICE_HOST}/32", "via", GATEWAY)
        self.process.stdin.write(b"\n")
        self.process.stdin.close()

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def end(self, how=signal.SIGTERM):
        self.told_to_end = self.told_to_end or time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(how)

    def gone(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
