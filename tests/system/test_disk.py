"""Disks: what is written is there, after a reboot, in another process, and nowhere else."""

import re
import subprocess

import pytest

from machine import BOOT, STEP

SEED = "dd if=/dev/urandom bs=1M count=40 2>/dev/null"


def image_hash(path):
    return subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]


def fsck(path):
    """e2fsck -fn: 0 when the file system has no fault."""
    return subprocess.run(
        ["e2fsck", "-fn", path], env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}, capture_output=True
    ).returncode


def test_what_is_written_survives(boot, disk):
    path = disk()
    machine = boot("--cpus", 2, "--disk", f"path={path}")
    machine.to_shell()
    machine.run(f"{SEED} >/mnt/data; sync")
    written = machine.run("sha256sum </mnt/data")
    machine.serial.send("umount /mnt; reboot -f\n")
    machine.to_shell()
    assert machine.run("sha256sum </mnt/data") == written
    machine.run("umount /mnt")
    machine.power_off()
    assert fsck(path) == 0
    again = boot("--disk", f"path={path}")
    again.to_shell()
    assert again.run("sha256sum </mnt/data") == written
    again.power_off()


@pytest.mark.parametrize("queues", [1, 4])
def test_queues(boot, disk, queues):
    """Four writers and readers at once, on one queue and on four."""
    path = disk()
    machine = boot("--cpus", 4, "--disk", f"path={path},queues={queues}")
    machine.to_shell()
    assert machine.run("ls /sys/block/vda/mq | wc -l") == str(queues)
    machine.run(
        "for i in 1 2 3 4; do (dd if=/dev/urandom of=/mnt/f$i bs=64k count=100 conv=fsync"
        " 2>/dev/null; sha256sum </mnt/f$i >/tmp/s$i) & done; wait; echo 3 >/proc/sys/vm/drop_caches"
    )
    machine.run("for i in 1 2 3 4; do (sha256sum </mnt/f$i | cmp - /tmp/s$i && touch /tmp/ok$i) & done; wait")
    assert machine.run("ls /tmp/ok* | wc -l") == "4"
    machine.run("umount /mnt")
    machine.power_off()
    assert fsck(path) == 0


def test_eight_disks_keep_apart(boot, tmp_path):
    args = []
    for i in range(8):
        image = tmp_path / f"{i}.img"
        image.write_bytes(bytes([ord("a") + i]) * 1048576)
        args += ["--disk", f"path={image},id=number-{i}"]
    machine = boot(*args)
    machine.to_shell()
    for i, letter in enumerate("abcdefgh"):
        assert machine.run(f"dd if=/dev/vd{letter} bs=1 count=4 2>/dev/null") == letter * 4
        assert machine.run(f"cat /sys/block/vd{letter}/serial") == f"number-{i}"
    machine.run("printf ZZZZ | dd of=/dev/vdc conv=notrunc,fsync 2>/dev/null")
    machine.power_off()
    for i in range(8):
        first = (tmp_path / f"{i}.img").read_bytes()[:4]
        assert first == (b"ZZZZ" if i == 2 else bytes([ord("a") + i]) * 4)


def test_read_only(boot, disk):
    path = disk()
    before = image_hash(path)
    machine = boot("--disk", f"path={path},readonly=on")
    machine.to_shell()
    assert machine.run("cat /sys/block/vda/ro") == "1"
    assert machine.run("dd if=/dev/zero of=/dev/vda bs=4k count=1 conv=fsync", check=False) != ""
    assert re.search(r"^/dev/vda /mnt ext4 ro\b", machine.run("cat /proc/mounts"), re.M)
    machine.run("ls -d /mnt/lost+found")
    machine.power_off()
    assert image_hash(path) == before


def test_read_only_files_of_others(boot, disk):
    """readonly=on is enough for a file one may not write."""
    path = disk()
    path.chmod(0o444)
    machine = boot("--disk", f"path={path},readonly=on", cmdline="console=ttyS0 quiet vireo.run=cat%20/sys/block/vda/ro")
    assert machine.wait(BOOT) == 0
    assert re.search(r"^1\r", machine.serial.log, re.M)


def test_discard_gives_storage_back(boot, disk):
    path = disk()
    machine = boot("--disk", f"path={path}")
    machine.to_shell()
    machine.run(f"{SEED} >/mnt/data; sync")
    full = path.stat().st_blocks
    machine.run("rm /mnt/data; sync; fstrim /mnt", STEP)
    machine.run("umount /mnt")
    machine.power_off()
    assert path.stat().st_blocks < full - 30 * 2048
    assert fsck(path) == 0


def test_two_processes_may_not_write_one_image(boot, disk):
    path = disk()
    first = boot("--disk", f"path={path}")
    first.to_shell()
    for suffix in ("", ",readonly=on"):
        second = boot("--disk", f"path={path}{suffix}")
        assert second.wait() == 3
        message = second.stderr()
        assert str(path) in message and message.count("\n") == 1
    assert first.run("echo still here") == "still here"
    first.power_off()
    # And the lock is gone with its holder.
    third = boot("--disk", f"path={path}", cmdline="console=ttyS0 quiet vireo.run=true")
    assert third.wait(BOOT) == 0


def test_readers_may_share(boot, disk):
    path = disk()
    machines = [boot("--memory", "256M", "--disk", f"path={path},readonly=on") for _ in range(2)]
    for machine in machines:
        machine.to_shell()
    for machine in machines:
        machine.power_off()
