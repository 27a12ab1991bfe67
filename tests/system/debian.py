"""A full Debian in the guest, told what to do by ssh."""

import subprocess
import time

from conftest import GUEST
from machine import PATIENCE, Failure, free_port

LOGIN = 600 * PATIENCE  # systemd to its login, on a busy host; about 40 s on an idle one
LONG = 1200 * PATIENCE


class Debian:
    """start: the fixture; folder: of scripts/debian_disk; disk: what to boot, which will be written."""

    def __init__(self, start, folder, disk, *args, cpus=2, memory="1G"):
        self.port = free_port()
        self.key = folder / "ssh_key"
        self.machine = start(
            "--kernel", GUEST / "vmlinux", "--initrd", GUEST / "initramfs.gz", "--cpus", cpus,
            "--memory", memory, "--rng", "--disk", f"path={disk}",
            "--net", f"user,hostfwd=tcp:127.0.0.1:{self.port}-:22",
            "--cmdline", "console=ttyS0 quiet vireo.root=/dev/vda", *args,
        )  # fmt: skip

    def up(self):
        """Waits for the login prompt on the serial line; the seconds it took."""
        self.machine.serial.expect(r"login: ", LOGIN)
        took = time.monotonic() - self.machine.started
        if self.machine.reader is None:
            self.machine.read_in_background()
        return took

    def command(self, text):
        return [
            "ssh", "-q", "-i", self.key, "-p", str(self.port), "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "ConnectTimeout=120",
            "root@127.0.0.1", text,
        ]  # fmt: skip

    def ssh(self, text, limit=LONG, check=True):
        result = subprocess.run(self.command(text), capture_output=True, text=True, timeout=limit)
        if check and result.returncode != 0:
            raise Failure(f"guest: {text!r} ended with {result.returncode}:\n{result.stdout}{result.stderr}")
        return result.stdout.strip()

    def power_off(self):
        self.ssh("systemctl poweroff", check=False)
        assert self.machine.process.wait(LONG) == 0
