"""bench/emulator.py - a guest in some emulator, talked to over its serial line.

The guest runs bench/guest/init. Everything the machine prints is kept; when something goes wrong
the end of it is part of the message.
"""

import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path

from build import BenchError

RESULT = re.compile(r"^(\w+) (\d+\.\d+) ([0-9a-f]{16})$")
CMDLINE = "console=ttyS0 quiet loglevel=3 panic=-1"


def qemu_command(path, kernel, initrd, memory, cpus, cmdline):
    return [path, "-M", "virt", "-m", memory, "-smp", str(cpus), "-display", "none",
            "-monitor", "none", "-serial", "stdio", "-no-reboot", "-kernel", str(kernel),
            *(["-initrd", str(initrd)] if initrd else []), "-append", cmdline]


def vireo_command(path, kernel, initrd, memory, cpus, cmdline, accel=None):
    return [path, "run", "--kernel", str(kernel),
            *(["--initrd", str(initrd)] if initrd else []),
            *(["--cmdline", cmdline] if cmdline else []), "--memory", memory, "--cpus", str(cpus),
            "--serial", "stdio", *(["--accel", accel] if accel else [])]


class Emulator:
    """One running machine. Use as a context manager: it is never left behind."""

    def __init__(self, name, command, memory_bytes, verbose=False):
        self.name = name
        self.command = command
        self.memory_bytes = memory_bytes
        self.verbose = verbose
        self.process = None
        self.output = b""  # all of it
        self.position = 0  # start of the line not yet looked at
        self.started = 0.0

    def __enter__(self):
        self.started = time.monotonic()
        try:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                            start_new_session=True)
        except OSError as e:
            raise BenchError(f"cannot start {self.command[0]}: {e.strerror}") from e
        os.set_blocking(self.process.stdout.fileno(), False)
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)  # the session it leads
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def tail(self):
        return self.output[-1500:].decode(errors="replace").strip()

    def fail(self, what):
        raise BenchError(f"{self.name}: {what}; command: {' '.join(self.command)}; its output "
                         f"ends:\n{self.tail()}")

    def line(self, deadline):
        """The next line of the serial console, without its end."""
        while True:
            end = self.output.find(b"\n", self.position)
            if end >= 0:
                line = self.output[self.position:end]
                self.position = end + 1
                text = line.decode(errors="replace").strip()
                if self.verbose:
                    print(f"    [{self.name}] {text}")
                return text
            left = deadline - time.monotonic()
            if left <= 0:
                self.fail("no answer in time")
            if select.select([self.process.stdout], [], [], left)[0]:
                data = self.process.stdout.read()
                if data == b"":
                    self.fail(f"ended with status {self.process.wait()}")
                self.output += data or b""

    def wait_for(self, text, timeout):
        """Seconds from the start of the process until the line was seen."""
        deadline = time.monotonic() + timeout
        while self.line(deadline) != text:
            pass
        return time.monotonic() - self.started

    def send(self, text):
        try:
            self.process.stdin.write(text.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self.fail("closed its serial input")

    def run_program(self, name, scale, timeout):
        """(seconds, checksum) of a program, as measured in the guest."""
        deadline = time.monotonic() + timeout
        result = None
        self.send(f"run {name} {scale}")
        while True:
            line = self.line(deadline)
            match = RESULT.match(line)
            if match and match[1] == name:
                result = float(match[2]), match[3]
            elif line.startswith("@end "):
                if line != "@end 0" or result is None:
                    self.fail(f"program {name} failed: {line}")
                return result

    def run_copies(self, name, scale, copies, timeout):
        """[(seconds, checksum)] of a program run `copies` times at once."""
        deadline = time.monotonic() + timeout
        results = []
        self.send(f"many {name} {scale} {copies}")
        while (line := self.line(deadline)) != "@end 0":
            match = RESULT.match(line)
            if match and match[1] == name:
                results.append((float(match[2]), match[3]))
        if len(results) != copies:
            self.fail(f"{len(results)} of {copies} copies of {name} came to their end")
        return results

    def power_off(self, timeout):
        """Seconds from the request to the end of the process."""
        asked = time.monotonic()
        self.send("off")
        try:
            while True:
                self.line(asked + timeout)
        except BenchError:
            if self.process.poll() is None:
                self.fail("did not power off")
        return time.monotonic() - asked

    # What the host sees of the process.

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def idle_percent(self, seconds):
        """Of one core, while the guest waits for a line."""
        time.sleep(2)  # what the boot left to do
        before, t = self.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        return 100 * (self.cpu_seconds() - before) / (time.monotonic() - t)

    def rss_outside_ram(self):
        """Resident bytes outside the guest's RAM, which is the mappings of its exact size that
        are not executable (a translation cache can be as large). What is mapped twice, as our
        compiled code is, counts once."""
        total, counts = 0, True
        head = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) ")
        for line in Path(f"/proc/{self.process.pid}/smaps").read_text().splitlines():
            match = head.match(line)
            if match:
                size = int(match[2], 16) - int(match[1], 16)
                counts = size != self.memory_bytes or "x" in match[3]
                unit = "Pss:" if "/memfd:" in line else "Rss:"
            elif counts and line.startswith(unit):
                total += int(line.split()[1]) * 1024
        return total
