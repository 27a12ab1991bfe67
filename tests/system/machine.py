"""A running vireo, as a test sees it: its serial line, its exit, what it costs.

Everything waits for an event with a limit; nothing sleeps for a time and hopes. When a wait
fails, what the guest said last is in the exception.
"""

import contextlib
import ctypes
import os
import pty
import re
import select
import signal
import socket
import subprocess
import termios
import threading
import time

# What a person may have to wait, times what a slow or busy host makes of it.
PATIENCE = float(os.environ.get("VIREO_PATIENCE", "1"))
BOOT = 120 * PATIENCE  # to a shell; takes 3 s on an idle host
STEP = 60 * PATIENCE  # for one command's answer
PROMPT = r"^\S* # "  # ash also asks the terminal for its size behind it


LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def die_with_us():
    """In the child: should the tests be killed, so is the machine."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Failure(AssertionError):
    pass


class Stream:
    """What comes out of a descriptor, and waiting for a pattern in it."""

    def __init__(self, read_fd, write_fd=None, pid=None):
        self.read_fd, self.write_fd = read_fd, write_fd
        # A terminal we hold both ends of has no end; the process it belongs to has.
        self.process_fd = None if pid is None else os.pidfd_open(pid)
        self.errors = None  # the Stream that says why this one ended
        self.log = ""  # all there ever was
        self.seen = 0  # up to here it has been matched
        self.ended = False

    def _more(self, until):
        """Reads what comes before `until`; False when time is up."""
        left = until - time.monotonic()
        fds = [self.read_fd] if self.process_fd is None else [self.read_fd, self.process_fd]
        ready = select.select(fds, [], [], left)[0] if left > 0 else []
        if not ready:
            return False
        if self.read_fd not in ready and not select.select([self.read_fd], [], [], 0.2)[0]:
            self.ended = True  # and what it wrote last has come through the terminal
            return True
        try:
            data = os.read(self.read_fd, 65536)
        except OSError:  # EIO: the other side of a pty is gone
            data = b""
        if not data:
            self.ended = True
        self.log += data.decode("utf-8", "replace")
        return True

    def expect(self, pattern, limit=STEP):
        """Waits for the regular expression behind what was matched before; returns the match."""
        until = time.monotonic() + limit
        regex = re.compile(pattern, re.M)
        while True:
            match = regex.search(self.log, self.seen)
            if match:
                self.seen = match.end()
                return match
            if self.ended:
                why = self.errors.drain() if self.errors else ""
                raise Failure(f"ended before {pattern!r}; last was:\n{self.log[-2000:]}\n{why}")
            if not self._more(until):
                raise Failure(f"no {pattern!r} within {limit:.0f} s; last was:\n{self.log[-2000:]}")

    def send(self, text):
        data = text.encode()
        while data:
            data = data[os.write(self.write_fd, data) :]

    def drain(self, limit=STEP):
        """Reads to the end."""
        until = time.monotonic() + limit
        while not self.ended:
            if not self._more(until):
                raise Failure(f"no end within {limit:.0f} s")
        return self.log


class Shell:
    """A shell in the guest at a stream, without echo or prompts: see Vireo.to_shell()."""

    def __init__(self, stream):
        self.stream = stream
        self.count = 0

    def settle(self):
        self.stream.send("stty -echo; PS1= PS2=; echo settled-$((1))\n")
        self.stream.expect(r"^settled-1\r*\n")

    def run(self, command, limit=STEP, check=True):
        """Runs a command; its output, without newlines at the end."""
        self.count += 1
        start = self.stream.seen
        self.stream.send(f'{command}\necho "<{self.count} $?>"\n')
        match = self.stream.expect(rf"<{self.count} (\d+)>\r*\n", limit)
        output = self.stream.log[start : match.start()].replace("\r", "").rstrip("\n")
        if check and match[1] != "0":
            raise Failure(f"guest: {command!r} ended with {match[1]}:\n{output}")
        return output


class Vireo:
    """`vireo run` with a terminal of its own (default), or pipes."""

    def __init__(self, program, args, terminal=True, env=None, cwd=None):
        self.args = [str(x) for x in args]
        if os.environ.get("VIREO_ACCEL"):
            self.args[:0] = ["--accel", os.environ["VIREO_ACCEL"]]
        self.started = time.monotonic()
        self.slave = None
        if terminal:
            master, slave = pty.openpty()
            self.slave = slave  # kept open, to look at its modes afterwards
            self.modes = termios.tcgetattr(slave)
            self.process = subprocess.Popen(
                [program, "run", *self.args],
                stdin=slave, stdout=slave, stderr=subprocess.PIPE,
                start_new_session=True, preexec_fn=die_with_us, env=env, cwd=cwd,
            )  # fmt: skip
            self.serial = Stream(master, master, self.process.pid)
        else:
            self.process = subprocess.Popen(
                [program, "run", *self.args],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True, preexec_fn=die_with_us, env=env, cwd=cwd,
            )  # fmt: skip
            self.serial = Stream(self.process.stdout.fileno(), self.process.stdin.fileno())
        self.errors = self.serial.errors = Stream(self.process.stderr.fileno())
        self.shell = Shell(self.serial)
        self.reader, self.closing = None, threading.Event()

    # ---- ways to a state ----

    def to_shell(self, limit=BOOT):
        """Waits for guest-init's shell; returns the seconds since the start."""
        self.shell.stream.expect(r"^Linux \S+ on \d+ harts", limit)
        self.shell.stream.expect(PROMPT, limit)
        took = time.monotonic() - self.started
        self.shell.settle()
        return took

    def run(self, command, limit=STEP, check=True):
        return self.shell.run(command, limit, check)

    def power_off(self):
        self.serial.send("sync; poweroff\n")
        assert self.wait() == 0

    def wait(self, limit=STEP):
        """The exit status; the serial line is read meanwhile, so that nobody waits for us."""
        until = time.monotonic() + limit
        while self.process.poll() is None:
            left = until - time.monotonic()
            if left <= 0:
                raise Failure(f"vireo still runs; last was:\n{self.serial.log[-2000:]}")
            if self.serial.ended:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(left)
            else:
                self.serial._more(time.monotonic() + min(left, 0.05))
        while not self.serial.ended and self.serial._more(time.monotonic()):
            pass
        return self.process.returncode

    def stderr(self):
        return self.errors.drain()

    def signal(self, number):
        os.kill(self.process.pid, number)

    def read_in_background(self):
        """Somebody has to read the serial line, or the guest waits for room in it."""

        def read():
            while not (self.closing.is_set() or self.serial.ended):
                self.serial._more(time.monotonic() + 0.2)

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.closing.set()
        if self.reader:  # or it would read what the next machine gets under the same number
            self.reader.join()
        if self.slave is not None:
            for fd in {self.serial.read_fd, self.serial.process_fd, self.slave} - {None}:
                os.close(fd)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    # ---- what it costs ----

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ram_bytes(self):
        size = dict(zip(self.args, self.args[1:])).get("--memory", "1G").split(",")[0]
        return int(size[:-1]) << {"M": 20, "G": 30}[size[-1]]

    def own_memory(self):
        """KiB held besides the guest's RAM, which is one mapping of just its size. Compiled code
        is mapped twice and counts once."""
        total, unit, ram = 0, None, self.ram_bytes()
        with open(f"/proc/{self.process.pid}/smaps") as file:
            for line in file:
                match = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
                if match:
                    unit = "Pss:" if "/memfd:" in line else "Rss:"
                    if int(match[2], 16) - int(match[1], 16) == ram:
                        unit = None
                elif unit is not None and line.startswith(unit):
                    total += int(line.split()[1])
        return total

    def quiet(self, window=3.0, limit=STEP, share=0.02):
        """Waits until a whole window costs less than `share` of a core; the share it was. A
        guest that has just booted still has things to do, so windows are tried until the limit."""
        until = time.monotonic() + limit
        while True:
            start, cpu = time.monotonic(), self.cpu_seconds()
            while time.monotonic() < start + window:
                if not self.serial._more(start + window):
                    break
            used = (self.cpu_seconds() - cpu) / (time.monotonic() - start)
            if used < share or time.monotonic() > until:
                return used


def interact(stream_or_path, limit=STEP):
    """A Stream on a unix socket's path."""
    client = socket.socket(socket.AF_UNIX)
    until = time.monotonic() + limit
    while True:
        try:
            client.connect(stream_or_path)
            break
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > until:
                raise
            select.select([], [], [], 0.02)  # there is no event for a name that appears
    fd = os.dup(client.fileno())
    client.close()
    return Stream(fd, fd)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

