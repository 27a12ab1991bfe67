"""Full Debian: systemd, ssh, apt, big files, and a file system that survives what happens to it.

One disk is made (scripts/debian_disk, in the cache) and never written by a test: each works on a
copy of its own.
"""

import contextlib
import functools
import http.server
import os
import random
import subprocess
import threading
import time

import pytest

from debian import LOGIN, LONG, Debian

pytestmark = pytest.mark.long

PATH = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}


@pytest.fixture
def disk_copy(debian, tmp_path):
    path = tmp_path / "disk.img"
    subprocess.run(["cp", "--sparse=always", debian / "disk.img", path], check=True)
    yield path
    path.unlink()


@pytest.fixture
def run(start, debian, disk_copy):
    return functools.partial(Debian, start, debian, disk_copy)


def test_systemd_and_ssh(run):
    guest = run()
    took = guest.up()
    print(f"login after {took:.0f} s")
    state = guest.ssh("systemctl is-system-running --wait", check=False)
    assert state == "running", guest.ssh("systemctl --failed --no-legend")
    assert guest.ssh("systemctl is-active multi-user.target ssh systemd-networkd") == "active\nactive\nactive"
    assert guest.ssh("uname -m; nproc") == "riscv64\n2"
    assert guest.ssh(". /etc/os-release; echo $VERSION_ID") == "13"
    # A few hundred kilobytes both ways through the forwarded port.
    data = os.urandom(1 << 20).hex()
    echoed = subprocess.run(guest.command("cat"), input=data, capture_output=True, text=True, timeout=LONG)
    assert echoed.stdout == data
    # The serial line has a login of its own.
    guest.power_off()


def package(folder):
    """A Debian package, and the index of a flat repository around it."""
    root = folder / "root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "usr/bin").mkdir(parents=True)
    (root / "DEBIAN/control").write_text(
        "Package: vireo-hello\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\n"
        "Description: says hello\n"
    )
    (root / "DEBIAN/postinst").write_text("#!/bin/sh\ntouch /var/lib/vireo-hello\n")
    (root / "DEBIAN/postinst").chmod(0o755)
    (root / "usr/bin/vireo-hello").write_text("#!/bin/sh\necho hello from a package\n")
    (root / "usr/bin/vireo-hello").chmod(0o755)
    repository = folder / "repository"
    repository.mkdir()
    deb = repository / "vireo-hello_1.0_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root, deb], check=True, stdout=subprocess.DEVNULL)
    digest = subprocess.run(["sha256sum", deb], capture_output=True, text=True, check=True).stdout.split()[0]
    control = (root / "DEBIAN/control").read_text()
    (repository / "Packages").write_text(
        f"{control}Filename: ./{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {digest}\n\n"
    )
    return repository


@contextlib.contextmanager
def served(folder):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_apt_install_from_the_host(run, tmp_path):
    guest = run()
    guest.up()
    with served(package(tmp_path)) as port:
        guest.ssh(
            "rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*;"
            f" echo 'deb [trusted=yes] http://10.0.2.2:{port}/ ./' >/etc/apt/sources.list"
        )
        guest.ssh("apt-get update && apt-get install -y vireo-hello")
    assert guest.ssh("vireo-hello; ls /var/lib/vireo-hello") == "hello from a package\n/var/lib/vireo-hello"
    assert guest.ssh("dpkg --audit") == ""
    guest.ssh("apt-get remove -y vireo-hello")
    guest.power_off()


def test_a_gigabyte_outlives_a_reboot(run, disk_copy):
    guest = run()
    guest.up()
    guest.ssh("dd if=/dev/urandom of=/root/big bs=1M count=1024 status=none && sync")
    written = guest.ssh("sha256sum </root/big")
    guest.ssh("systemctl reboot", check=False)
    # ssh comes up again, with another boot's id.
    before = guest.machine.serial.log.count("login: ")
    until = time.monotonic() + LOGIN
    while guest.machine.serial.log.count("login: ") == before and time.monotonic() < until:
        time.sleep(0.2)  # the reader's thread has no event for us
    assert guest.ssh("stat -c %s /root/big") == str(1 << 30)
    assert guest.ssh("echo 3 >/proc/sys/vm/drop_caches; sha256sum </root/big") == written
    guest.power_off()
    assert subprocess.run(["e2fsck", "-fn", disk_copy], env=PATH, capture_output=True).returncode == 0


WRITER = """
mkdir -p /root/w; cd /root/w; n=0
while :; do n=$((n+1))
  dd if=/dev/urandom of=f$n bs=64k count=$((n % 40 + 1)) status=none
  sha256sum f$n >>sums; mkdir -p d$n; mv f$n d$n/f; ln -sf d$n/f latest
  [ $((n % 7)) = 0 ] && { sync; echo $n >synced; sync synced; }
  [ $n -gt 30 ] && rm -rf d$((n-30))
done
"""


@pytest.mark.parametrize("attempt", range(3))
def test_kill_during_writes_leaves_what_the_journal_repairs(run, disk_copy, attempt):
    guest = run()
    guest.up()
    writer = subprocess.Popen(guest.command(WRITER), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + LONG
    while guest.ssh("cat /root/w/synced 2>/dev/null", check=False) == "":
        assert time.monotonic() < until
    time.sleep(random.Random(attempt).uniform(1, 5))  # the moment is what varies
    guest.machine.process.kill()
    guest.machine.process.wait()
    writer.wait()
    # Replaying the journal is all -p may need to do: 0, or 1 for "replayed, orphans cleared".
    result = subprocess.run(["e2fsck", "-p", disk_copy], env=PATH, capture_output=True, text=True)
    assert result.returncode in (0, 1), result.stdout
    assert "UNEXPECTED" not in result.stdout
    result = subprocess.run(["e2fsck", "-fn", disk_copy], env=PATH, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    # And the guest comes up, with what it had synced.
    again = run()
    again.up()
    assert int(again.ssh("cat /root/w/synced")) >= 7
    again.power_off()
