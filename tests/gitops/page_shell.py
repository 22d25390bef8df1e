"""A shell in which a reader of a page does what it says."""
import os
import pathlib
import subprocess
import tempfile

import chart

END = "--- end of the block"


class PageShell:
    """kubectl in it is the administrator's of that cluster."""

    def __init__(self, cluster):
        self._folder = tempfile.TemporaryDirectory(prefix="headroom-page-")
        kubectl = pathlib.Path(self._folder.name) / "kubectl"
        kubectl.write_text(f"#!/bin/sh\nexec {chart.ROOT}/hack/cluster kubectl {cluster.name} \"$@\"\n")
        kubectl.chmod(0o755)
        environment = {**os.environ, "PATH": f"{self._folder.name}:{os.environ['PATH']}"}
        self._shell = subprocess.Popen(["bash", "-euo", "pipefail"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, env=environment)

    def run(self, block):
        """The lines that it prints; fails where a command of it does."""
        self._shell.stdin.write(f"{block}\necho '{END}'\n")
        self._shell.stdin.flush()
        said = []
        while (line := self._shell.stdout.readline().rstrip("\n")) != END:
            if not line and self._shell.poll() is not None:
                raise chart.Refused(f"{block}\nsaid:\n" + "\n".join(said))
            said.append(line)
        return said

    def stop(self):
        self._shell.stdin.close()
        self._shell.wait(30)
        self._shell.stdout.close()
        self._folder.cleanup()
