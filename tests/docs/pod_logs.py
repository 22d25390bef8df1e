"""What `kubectl logs` reads of the pods that a kubelet runs: API servers ask for it at their node's address."""
import http.server
import ssl
import threading
import urllib.parse

import pods

ADDRESS = "10.63.0.1"  # of all nodes, says hack/cluster
PORT = 10250


class PodLogs:
    """The certificate of its server is kept in `folder`."""

    def __init__(self, kubelet, folder):
        self._kubelet = kubelet
        self._server = self._serve(folder / "kubelet.key", folder / "kubelet.crt")
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, key, certificate):
        pods.sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "1", "-subj", "/CN=kubelet", "-keyout", str(key), "-out", str(certificate))
        pods.sh("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")
        answer = self._answer

        class Logs(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                code, text = answer(self.path)
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

    def _answer(self, path):
        """(status, text) for a request of /containerLogs/NAMESPACE/POD/CONTAINER."""
        address = urllib.parse.urlparse(path)
        asked = urllib.parse.parse_qs(address.query)
        parts = address.path.strip("/").split("/")
        if parts[0] != "containerLogs" or len(parts) != 4:
            return 404, "this kubelet has logs alone"
        if asked.get("previous") == ["true"]:
            return 400, f"previous terminated container \"{parts[3]}\" in pod \"{parts[2]}\" not found"
        for pod in self._kubelet.pods("operator", "webhook"):
            if pod.name == parts[2]:
                lines = pod.text().splitlines(keepends=True)
                return 200, "".join(lines[-int(asked.get("tailLines", ["10000"])[0]):])
        return 404, f"pod \"{parts[2]}\" is not here"
