#!/usr/bin/env python3
"""The nodes of a test cluster: other tests believe what they say of pods.

Usage: kubelets_test.py
"""
import ipaddress
import json
import os
import pathlib
import subprocess
import time
import unittest

CLUSTER = pathlib.Path(__file__).parents[2] / "hack" / "cluster"
NAME = f"kubelets-{os.getpid()}"
LIMIT = 60
PODS = ipaddress.ip_network("10.64.0.0/14")


def cluster(verb, *arguments, text=None):
    done = subprocess.run([CLUSTER, verb, NAME, *arguments], input=text, capture_output=True, text=True, timeout=180,
                          check=False)
    if done.returncode != 0:
        raise AssertionError(f"hack/cluster {verb} {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
    return done.stdout


def kubectl(*arguments, text=None):
    return cluster("kubectl", *arguments, text=text)


def pod(name, **metadata):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata},
            "spec": {"containers": [{"name": "c", "image": "c"}]}}


def create(*objects):
    kubectl("create", "--filename", "-", text="\n---\n".join(map(json.dumps, objects)))


def pods():
    return {one["metadata"]["name"]: one for one in json.loads(kubectl("get", "pods", "--output", "json"))["items"]}


def ready(one):
    return any(condition["type"] == "Ready" and condition["status"] == "True"
               for condition in one["status"].get("conditions", []))


class Kubelets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cluster("up", "--nodes", "2")
        cls.addClassCleanup(cluster, "down")

    def tearDown(self):
        kubectl("delete", "deployments,jobs,pods", "--all")

    def wait(self, what, condition):
        deadline = time.monotonic() + LIMIT
        while not (found := condition()):
            self.assertLess(time.monotonic(), deadline, f"{what}: {json.dumps(pods(), indent=1)}")
            time.sleep(0.1)
        return found

    def test_pods_are_ready_after_their_warm_up(self):
        create(pod("slow", annotations={"kubelets.headroom.dev/warm-up": "1h"}), pod("quick"))
        self.wait("the quick one to be ready", lambda: ready(pods()["quick"]))
        self.wait("the slow one to have a node", lambda: pods()["slow"]["spec"].get("nodeName"))
        self.assertFalse(ready(pods()["slow"]))
        self.assertEqual("Pending", pods()["slow"]["status"]["phase"])

    def test_each_pod_has_an_address_of_its_own(self):
        kubectl("create", "deployment", "web", "--image=c", "--replicas=20")
        self.wait("twenty to be ready", lambda: sum(map(ready, pods().values())) == 20)
        addresses = [ipaddress.ip_address(one["status"]["podIP"]) for one in pods().values()]
        self.assertEqual(20, len(set(addresses)))
        self.assertTrue(all(address in PODS for address in addresses), addresses)

    def test_jobs_end_well(self):
        kubectl("create", "job", "one", "--image=c")
        kubectl("wait", "--for=condition=Complete", "job/one", f"--timeout={LIMIT}s")

    def test_what_is_deleted_goes_when_nobody_keeps_it(self):
        create(pod("kept", finalizers=["example.com/keep"]), pod("free"))
        self.wait("both to be ready", lambda: all(map(ready, pods().values())))
        kubectl("delete", "pods", "--all", "--wait=false")
        self.wait("the free one to go", lambda: "free" not in pods())
        self.assertIn("deletionTimestamp", pods()["kept"]["metadata"])
        kubectl("patch", "pod", "kept", "--type=merge", "--patch", '{"metadata": {"finalizers": null}}')
        self.wait("the kept one to go", lambda: "kept" not in pods())


if __name__ == "__main__":
    unittest.main()
