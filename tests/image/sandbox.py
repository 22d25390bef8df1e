"""Runs programs as a container engine would: with an image's files alone, read-only, as its user, without privileges.
Needs no daemon and no root, only user namespaces."""
import os
import pathlib
import signal
import subprocess
import tempfile
import time

# $1 root, $2 user, $3 bound folders and files "from:to" by line; then the command.
AS_ROOT = """
set -e
root=$1 user=$2 binds=$3
shift 3
mount --bind "$root" "$root"
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
while IFS=: read -r from to; do
  if [ -n "$from" ]; then mount --bind "$from" "$root$to"; fi
done <<END
$binds
END
mount -o remount,bind,ro "$root"
"""
# With other users at hand, it is another user; without, it is the only one, under another number.
BECOME_USER = 'exec chroot --userspec="$user:$user" "$root" "$@"'
CALL_USER = 'exec unshare --user --map-user="$user" --map-group="$user" --root="$root" --wd=/ "$@"'


class Sandbox:
    def __init__(self, root, user):
        self.root, self.user = pathlib.Path(root), user
        for name in ("dev", "proc"):
            (self.root / name).mkdir(exist_ok=True)

    def command(self, arguments, binds):
        """`binds`: path inside -> what is there instead, which an engine mounts, too."""
        for to, origin in binds.items():
            place = self.root / to.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            if pathlib.Path(origin).is_dir():
                place.mkdir(exist_ok=True)
            else:
                place.touch()
        lines = "\n".join(f"{origin}:{to}" for to, origin in binds.items())
        is_root = os.geteuid() == 0
        return ["unshare", "--mount", *([] if is_root else ["--map-root-user"]), "--propagation", "private", "--",
                "sh", "-c", AS_ROOT + (BECOME_USER if is_root else CALL_USER), "sh", str(self.root), str(self.user),
                lines, *arguments]

    def run(self, *arguments, binds=None, environment=None):
        return subprocess.run(self.command(arguments, binds or {}), env=environment or {}, capture_output=True,
                              text=True, timeout=60, check=False)


class Process:
    """A program that goes on; its log is what it writes to either output."""

    def __init__(self, sandbox, *arguments, binds=None, environment=None):
        self._log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        self._process = subprocess.Popen(sandbox.command(arguments, binds or {}), env=environment or {},
                                         stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True)

    def log(self):
        return pathlib.Path(self._log.name).read_text()

    def wait_for(self, what, condition, seconds=60):
        """What `condition` returns, once that is true; the log is in the error when it never is."""
        deadline = time.monotonic() + seconds
        while True:
            result = condition()
            if result:
                return result
            if self._process.poll() is not None:
                raise AssertionError(f"ended before {what}:\n{self.log()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {seconds} s:\n{self.log()}")
            time.sleep(0.05)

    def stop(self):
        """Its exit status after SIGTERM, as a pod's end sends it."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait(30)

    def close(self):
        self.stop()
        self._log.close()
