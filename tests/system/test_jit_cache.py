"""--jit-cache: what one run compiled, the next begins with; nothing spoiled is ever believed."""

import os
import signal

import pytest

from machine import BOOT

pytestmark = pytest.mark.skipif(
    not os.environ.get("VIREO_ACCEL", "jit").startswith("jit"), reason="keeps compiled code only"
)


@pytest.fixture
def stats_of(boot, tmp_path):
    """stats_of(dir) boots to the shell's command `true` and power-off; the counters."""

    def run(folder, *args):
        machine = boot(
            "--jit-cache", folder, "--stats", *args, cmdline="console=ttyS0 quiet vireo.run=true"
        )
        assert machine.wait(BOOT) == 0
        assert "vireo.run: exit 0" in machine.serial.log
        lines = (line.split() for line in machine.stderr().splitlines())
        return {name: int(value) for name, value in lines}

    return run


def only_file(folder):
    (path,) = folder.iterdir()
    return path


def test_a_second_boot_begins_with_what_the_first_compiled(stats_of, tmp_path):
    folder = tmp_path / "cache"
    first = stats_of(folder)
    assert first["store.read"] == 0
    assert first["store.added"] > 10000
    second = stats_of(folder)
    assert second["store.read"] == first["store.added"]
    assert second["store.added"] < first["store.added"] / 20
    assert second["store.found"] > first["store.added"] / 2
    assert second["code.loaded"] > 10 * second["code.blocks"]
    # With other harts and other memory the kernel is elsewhere, and the same.
    third = stats_of(folder, "--cpus", 2, "--memory", "512M")
    assert third["store.found"] > 10 * third["store.added"]


@pytest.mark.parametrize("how", ["flipped", "cut", "empty", "text"])
def test_a_spoiled_file_is_ignored_and_replaced(stats_of, tmp_path, how):
    folder = tmp_path / "cache"
    added = stats_of(folder)["store.added"]
    path = only_file(folder)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    spoiled = {"flipped": data, "cut": data[: len(data) // 2], "empty": b"", "text": b"hello\n"}
    path.write_bytes(spoiled[how])
    stats = stats_of(folder)
    assert stats["store.read"] == 0
    assert stats["store.ignored"] == 1
    assert stats_of(folder)["store.read"] > added * 0.9


def test_two_machines_share_a_folder_and_one_is_killed(boot, stats_of, tmp_path):
    folder = tmp_path / "cache"
    killed, other = (boot("--jit-cache", folder) for _ in range(2))
    killed.to_shell()
    other.to_shell()
    killed.signal(signal.SIGKILL)
    killed.process.wait()
    other.power_off()
    stats = stats_of(folder)
    assert stats["store.read"] > 10000
    assert stats["store.ignored"] == 0


def test_a_folder_others_can_write_to_is_refused(boot, tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(0o777)
    machine = boot("--jit-cache", folder)
    assert machine.wait() == 3
    message = machine.stderr()
    assert message.count("\n") == 1
    assert str(folder) in message and "chmod go-w" in message
    assert list(folder.iterdir()) == []
