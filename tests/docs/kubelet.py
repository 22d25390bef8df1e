"""What a kubelet adds to nodes that are played: logs of the programs of Headroom's pods, and pods that run to their
end, as `helm test` and the chart's hooks make them."""
import http.server
import ssl
import sys
import threading
import urllib.parse

import chart
import pods

ADDRESS = "10.63.0.1"  # of all nodes, says hack/cluster
PORT = 10250
RUN_SECONDS = 120


class Kubelet:
    def __init__(self, cluster, node, programs, folder):
        self._cluster, self._node, self._programs, self._folder = cluster, node, programs, folder
        self._run, self._stop = set(), threading.Event()
        self._server = self._serve()
        self._threads = [threading.Thread(target=self._server.serve_forever), threading.Thread(target=self._follow)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stop.set()
        self._server.shutdown()
        for thread in self._threads:
            thread.join()
        self._server.server_close()

    def _serve(self):
        key, certificate = self._folder / "kubelet.key", self._folder / "kubelet.crt"
        pods.sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "1", "-subj", "/CN=kubelet", "-keyout", str(key), "-out", str(certificate))
        pods.sh("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")
        kubelet = self

        class Logs(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                code, text = kubelet.log_of(self.path)
                self.send_response(code)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer((ADDRESS, PORT), Logs)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        return server

    def log_of(self, path):
        """(status, text) for a request of /containerLogs/NAMESPACE/POD/CONTAINER."""
        address = urllib.parse.urlparse(path)
        asked = urllib.parse.parse_qs(address.query)
        parts = address.path.strip("/").split("/")
        if parts[0] != "containerLogs" or len(parts) != 4:
            return 404, "this kubelet has logs alone"
        if asked.get("previous") == ["true"]:
            return 400, f"previous terminated container \"{parts[3]}\" in pod \"{parts[2]}\" not found"
        for pod in self._node.pods("operator") + self._node.pods("webhook"):
            if pod.name == parts[2]:
                lines = pod.text().splitlines(keepends=True)
                return 200, "".join(lines[-int(asked.get("tailLines", ["10000"])[0]):])
        return 404, f"pod \"{parts[2]}\" is not here"

    def _follow(self):
        while not self._stop.wait(0.3):
            for pod in self._cluster.items("pods", "--namespace", chart.NAMESPACE, "--selector",
                                           "app.kubernetes.io/component in (test,uninstall)"):
                if pod["metadata"]["uid"] not in self._run and pod.get("status", {}).get("podIP"):
                    self._run.add(pod["metadata"]["uid"])
                    self._run_to_its_end(pod)

    def _run_to_its_end(self, pod):
        number = 900 + len(self._run)  # the node counts its own from 1
        folder = self._folder / str(number)  # names come again
        folder.mkdir()
        run = pods.Pod(number, pod, self._programs, self._cluster, folder)
        run.gone(RUN_SECONDS)
        phase = "Succeeded" if run.process.returncode == 0 else "Failed"
        print(f"{run.name}: {phase}\n{run.text()}", file=sys.stderr, flush=True)
        self._cluster.kubectl("patch", "pod", run.name, "--namespace", chart.NAMESPACE, "--subresource", "status",
                              "--type", "merge", "--patch", f'{{"status": {{"phase": "{phase}"}}}}')
