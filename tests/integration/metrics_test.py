#!/usr/bin/env python3
"""Metrics over HTTPS: who may read them is what a real API server says of ServiceAccounts' tokens.

Usage: metrics_test.py HEADROOM_OPERATOR HEADROOM_WEBHOOK [unittest arguments]
"""
import http.client
import json
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

from crd_cluster import Cluster

PROGRAMS = {}
LIMIT = 60
READER = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "metrics-reader"},
          "rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]}


class Program:
    def __init__(self, name, kubeconfig, *arguments):
        self._log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        self._process = subprocess.Popen(
            [PROGRAMS[name], "--kubeconfig", kubeconfig, "--metrics-listen", "127.0.0.1:0", *arguments],
            stdout=self._log, stderr=subprocess.STDOUT)

    def log(self):
        return pathlib.Path(self._log.name).read_text()

    def port(self, what):
        """Of the server that says `what` when it starts."""
        deadline = time.monotonic() + LIMIT
        while True:
            found = re.search(rf'"msg":"{what}","port":"(\d+)"', self.log())
            if found:
                return int(found[1])
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise AssertionError(f"no '{what}' in:\n{self.log()}")
            time.sleep(0.05)

    def exit_status(self):
        return self._process.wait(LIMIT)

    def close(self):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(LIMIT)
        self._log.close()


def get(connection, path, token=None):
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster("metrics")
        cls.addClassCleanup(cls.cluster.down)
        cls.cluster.install_headroom_crds()
        cls.cluster.kubectl("create", "namespace", "headroom-system")
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(READER, file)
            file.flush()
            cls.cluster.kubectl("apply", "-f", file.name)
        cls.tokens = {}
        for account in ("prometheus", "stranger"):
            cls.cluster.kubectl("create", "serviceaccount", account)
            cls.tokens[account] = cls.cluster.kubectl("create", "token", account).strip()
        cls.cluster.kubectl("create", "clusterrolebinding", "prometheus", "--clusterrole=metrics-reader",
                            "--serviceaccount=default:prometheus")

    def check(self, program):
        def metrics(token=None):
            connection = http.client.HTTPSConnection("127.0.0.1", program.port("serving metrics"), timeout=30,
                                                     context=ssl._create_unverified_context())
            return get(connection, "/metrics", token)

        status, text = metrics(self.tokens["prometheus"])
        self.assertEqual(status, 200, text + program.log())
        for family in ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_start_time_seconds",
                       "rest_client_requests_total"):
            self.assertRegex(text, rf"(?m)^{family}[ {{]")
        status, text = metrics(self.tokens["stranger"])
        self.assertEqual(status, 403, text)
        self.assertIn("system:serviceaccount:default:stranger may not get /metrics", text)
        head, claims, _ = self.tokens["prometheus"].split(".")
        for token in (None, "forged", f"{head}.{claims}.forged"):
            self.assertEqual(metrics(token)[0], 401, token)
        # An administrator may all: what counts is the rule, not who runs the program.
        self.assertEqual(metrics(self.cluster.token)[0], 200)

        health = http.client.HTTPConnection("127.0.0.1", program.port("serving health"), timeout=30)
        self.assertEqual(get(health, "/healthz"), (200, "ok"))
        self.assertEqual(get(health, "/metrics")[0], 404)

    def start(self, name, *arguments):
        program = Program(name, self.cluster.kubeconfig(), *arguments)
        self.addCleanup(program.close)
        return program

    def test_operator_shows_them_to_those_who_may_get_them(self):
        self.check(self.start("headroom-operator", "--listen", "127.0.0.1:0", "--no-leader-election"))

    def test_webhook_shows_them_to_those_who_may_get_them(self):
        self.check(self.start("headroom-webhook", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0",
                              "--certificate-secret", "certificates", "--webhook-configuration", "headroom",
                              "--webhook-url", "https://127.0.0.1:1/validate", "--drain-seconds", "2",
                              "--drain-delay-seconds", "0"))

    def test_program_with_a_certificate_that_cannot_be_used_does_not_start(self):
        with tempfile.TemporaryDirectory() as folder:
            program = self.start("headroom-operator", "--listen", "127.0.0.1:0", "--no-leader-election",
                                 "--metrics-certificate-directory", folder)
            self.assertEqual(program.exit_status(), 1)
            self.assertIn("tls.crt", program.log())


if __name__ == "__main__":
    PROGRAMS["headroom-operator"], PROGRAMS["headroom-webhook"] = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
