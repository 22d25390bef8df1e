"""A person's shell at a terminal: statements run one after the other and share variables and functions; whoever asks is
answered with yes."""
import os
import pty
import select
import signal
import subprocess
import termios


class Terminal:
    def __init__(self, folder, environment):
        """`folder` is where it begins, and holds its files."""
        self._folder, self._environment = folder, environment
        self._person, self._keyboard = pty.openpty()
        settings = termios.tcgetattr(self._keyboard)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(self._keyboard, termios.TCSANOW, settings)
        self._shell = None

    def run(self, text, seconds):
        """(exit code, what it printed); a statement that does not end takes the shell's variables with it."""
        if self._shell is None:
            self._shell = self._open()
        statement, said = self._folder / ".statement", self._folder / ".said"
        statement.write_text(text + "\n", encoding="utf-8")
        termios.tcflush(self._keyboard, termios.TCIFLUSH)
        os.write(self._person, b"y\n")
        self._shell.stdin.write(f"source '{statement}' <&{self._keyboard} >'{said}' 2>&1; echo $?\n")
        self._shell.stdin.flush()
        code = self._shell.stdout.readline() if select.select([self._shell.stdout], [], [], seconds)[0] else ""
        printed = said.read_text(encoding="utf-8", errors="replace")
        if not code:
            self._end()
            raise TimeoutError(f"not done in {seconds} s, or the shell has ended; printed so far:\n{printed}")
        return int(code), printed

    def close(self):
        self._end()
        os.close(self._person)
        os.close(self._keyboard)

    def _open(self):
        shell = subprocess.Popen(["bash", "--noprofile", "--norc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 text=True, bufsize=1, cwd=self._folder, env=self._environment, start_new_session=True,
                                 pass_fds=[self._keyboard])
        shell.stdin.write("set -uo pipefail\n")
        return shell

    def _end(self):
        if self._shell is None:
            return
        try:
            os.killpg(self._shell.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        with self._shell:  # closes its pipes and waits for it
            pass
        self._shell = None
