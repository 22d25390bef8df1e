"""A cluster of hack/cluster with nodes that have no machines: pods become ready, jobs complete, nothing runs."""
import json
import os
import pathlib
import subprocess
import time
import urllib.parse

import yaml

import chart

FOREIGN = ("cert-manager", "keda", "prometheus-operator")


class Cluster:
    def __init__(self, subject, *apiserver_flags, foreign=FOREIGN, flags=()):
        """`foreign`: projects whose definitions it has; `flags`: further ones of hack/cluster up."""
        self.name = f"{subject}-{os.getpid()}"
        self.kubeconfig = chart.hack("cluster", "up", self.name, *flags,
                                     *(f"--apiserver-flag={flag}" for flag in apiserver_flags)).strip()
        server = yaml.safe_load(pathlib.Path(self.kubeconfig).read_text(encoding="utf-8"))
        self.port = urllib.parse.urlparse(server["clusters"][0]["cluster"]["server"]).port
        if foreign:
            chart.hack("crds", self.name, *foreign)

    def down(self):
        chart.hack("cluster", "down", self.name)

    def kubectl(self, *arguments, text=None, check=True):
        """(standard output, standard error)."""
        done = subprocess.run([chart.ROOT / "hack" / "cluster", "kubectl", self.name, *map(str, arguments)],
                              input=text, capture_output=True, text=True, timeout=120, check=False)
        if check and done.returncode != 0:
            raise chart.Refused(f"kubectl {' '.join(map(str, arguments))}:\n{done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def get(self, *arguments):
        """The object or list, parsed; None when there is no such object."""
        said, error = self.kubectl("get", *arguments, "--output", "json", "--ignore-not-found")
        return json.loads(said) if said else None

    def items(self, *arguments):
        found = self.get(*arguments)
        return found["items"] if found else []

    def helm(self, version, command, *arguments):
        return chart.helm(version, command, *arguments, "--kubeconfig", self.kubeconfig,
                          "--namespace", chart.NAMESPACE, seconds=300)

    def may(self, account, verb, resource, namespace=None, name=None):
        """Whether an account of Headroom's namespace may do it."""
        question = [verb, f"{resource}/{name}" if name else resource]
        scope = ["--namespace", namespace] if namespace else ["--all-namespaces"]
        said, _ = self.kubectl("auth", "can-i", *question, *scope, "--as",
                               f"system:serviceaccount:{chart.NAMESPACE}:{account}", check=False)
        return said.startswith("yes")

    @staticmethod
    def until(what, condition, seconds=60):
        """What `condition` gives once that is true."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {seconds} s for {what}")
            time.sleep(0.1)
        return found
