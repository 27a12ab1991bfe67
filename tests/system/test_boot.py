"""A kernel to its shell, to power-off, and again; what the machine costs meanwhile."""

import mmap
import os
import pathlib
import re
import signal
import subprocess

import pytest

from machine import BOOT, STEP


@pytest.mark.parametrize("harts", [1, 2, 4])
def test_shell_and_power_off(boot, harts):
    machine = boot("--cpus", harts)
    machine.to_shell()
    assert machine.run("nproc") == str(harts)
    assert machine.run("echo $((6*7))") == "42"
    # Every hart takes work.
    for hart in range(harts):
        machine.run(f"taskset -c {hart} true")
    machine.power_off()
    assert machine.stderr() == ""


def test_reboots_twenty_times(boot):
    """In one process: the guest's first process resets the machine each time it gets to run."""
    machine = boot(
        "--cpus", 2, "--memory", "256M",
        cmdline="console=ttyS0 quiet vireo.run=echo%20here%20again;reboot%20-f",
    )  # fmt: skip
    for _ in range(21):
        machine.serial.expect(r"^here again\r*$", BOOT)
    assert machine.process.poll() is None


def test_no_reboot_ends_the_run(boot):
    machine = boot("--no-reboot", cmdline="console=ttyS0 quiet vireo.run=reboot%20-f")
    assert machine.wait(BOOT) == 0


def test_panic_reboots(boot):
    """With panic=-1 the kernel asks for a reset at once; it comes up again with all its memory."""
    machine = boot("--memory", "256M", cmdline="console=ttyS0 quiet panic=-1")
    machine.to_shell()
    machine.serial.send("echo c >/proc/sysrq-trigger\n")
    machine.serial.expect(r"Kernel panic - not syncing", STEP)
    machine.to_shell()
    machine.power_off()


def test_every_hart_can_leave_and_return(boot):
    machine = boot("--cpus", 4)
    machine.to_shell()
    for hart in (1, 2, 3):
        machine.run(f"echo 0 >/sys/devices/system/cpu/cpu{hart}/online")
    assert machine.run("nproc") == "1"
    for hart in (1, 2, 3):
        machine.run(f"echo 1 >/sys/devices/system/cpu/cpu{hart}/online")
    assert machine.run("nproc") == "4"
    machine.power_off()


def test_little_code_memory(boot):
    """A boot makes several times as much code as fits: the oldest goes, and all is well."""
    machine = boot("--cpus", 2, "--accel", "jit,code-mib=4", "--stats")
    machine.to_shell()
    machine.power_off()
    stats = dict(line.split() for line in machine.stderr().splitlines() if line.startswith("code."))
    assert int(stats["code.given_up"]) > 8
    assert int(stats["code.used"]) <= int(stats["code.size"]) == 4 << 20


def test_gzip_kernel(start, guest, tmp_path):
    packed = tmp_path / "Image.gz"
    with open(packed, "wb") as out:
        subprocess.run(["gzip", "-1c", guest / "vmlinux"], stdout=out, check=True)
    machine = start("--kernel", packed, "--initrd", guest / "initramfs.gz", "--cmdline", "console=ttyS0 quiet")
    machine.to_shell()
    machine.power_off()


@pytest.mark.parametrize("mode", ["sv39", "sv48", "sv57"])
def test_paging_modes(boot, mode):
    machine = boot("--cpu", f"rv64,mmu={mode}")
    machine.to_shell()
    assert mode in machine.run("grep -m1 mmu /proc/cpuinfo")
    machine.power_off()


def test_config_file_says_what_options_say(start, guest, tmp_path):
    config = tmp_path / "vm.json"
    config.write_text(
        f"""{{ "kernel": "{guest}/vmlinux", "initrd": "{guest}/initramfs.gz",
              "cmdline": "console=ttyS0 quiet", "cpus": 2, "memory": "256M", "rng": true }}"""
    )
    machine = start("--config", config)
    machine.to_shell()
    assert machine.run("nproc") == "2"
    machine.power_off()


def test_rng_gives_numbers(boot):
    machine = boot("--rng")
    machine.to_shell()
    assert "virtio_rng" in machine.run("cat /sys/class/misc/hw_random/rng_current")
    first = machine.run("dd if=/dev/hwrng bs=32 count=1 2>/dev/null | sha256sum")
    second = machine.run("dd if=/dev/hwrng bs=32 count=1 2>/dev/null | sha256sum")
    assert first != second
    machine.power_off()


def test_clock_runs_as_the_hosts(boot):
    """The wall clock is the host's, and a sleep in the guest is as long outside."""
    import time

    machine = boot()
    machine.to_shell()
    assert abs(int(machine.run("date +%s")) - time.time()) < 5
    begun = time.monotonic()
    machine.run("sleep 3")
    assert 2.9 < time.monotonic() - begun < 10
    machine.power_off()


def test_idle_guest_costs_little(boot):
    machine = boot("--cpus", 2)
    machine.to_shell()
    assert machine.quiet() < 0.02
    machine.power_off()


@pytest.mark.parametrize("accel, mib", [("interp", 48), ("jit", 96)])
def test_memory_outside_the_guests(boot, disk, accel, mib):
    machine = boot("--accel", accel, "--cpus", 2, "--disk", f"path={disk()}", "--net", "user", "--rng")
    machine.to_shell()
    kib = machine.own_memory()
    machine.power_off()
    assert kib <= mib * 1024, f"{kib} KiB"


def test_shared_memory_is_a_file_others_can_map(boot):
    """Memory of one process has huge pages where the host gives them; shared memory has a name."""
    machine = boot("--memory", "256M,shared=on", cmdline="console=ttyS0 quiet here-is-the-guest")
    machine.to_shell()
    (fd,) = (
        path
        for path in pathlib.Path(f"/proc/{machine.process.pid}/fd").iterdir()
        if os.readlink(path).startswith("/memfd:dram")
    )
    with open(fd, "rb") as file, mmap.mmap(file.fileno(), 256 << 20, prot=mmap.PROT_READ) as ram:
        assert ram.find(b"here-is-the-guest") > 0
    machine.power_off()


def test_memory_with_all_code_memory_in_use(boot):
    """Everything is compiled at once, until the oldest code has been given up."""
    machine = boot("--accel", "jit,t1-after=1,t2-after=50", "--cpus", 2, "--net", "user", "--rng")
    machine.to_shell()
    for _ in range(20):
        machine.run("for i in 1 2 3; do find /sys /proc -type f 2>/dev/null | sort | sha256sum | gzip | wc -c; done", 3 * STEP)
        machine.signal(signal.SIGUSR1)
        used = int(machine.errors.expect(r"^code\.used (\d+)", STEP)[1])
        given_up = int(machine.errors.expect(r"^code\.given_up (\d+)", STEP)[1])
        kib = machine.own_memory()
        print(f"{used >> 20} MiB of code, {given_up} parts given up; {kib} KiB outside the guest's RAM")
        if given_up != 0:
            break
    machine.power_off()
    assert given_up != 0 and used > 20 << 20
    assert kib <= 96 << 10, f"{kib} KiB"


@pytest.mark.parametrize("harts", [pytest.param(1, marks=pytest.mark.long), 2, pytest.param(4, marks=pytest.mark.long)])
def test_lockstep(boot, harts):
    """The whole way with each run of compiled code checked against the interpreter."""
    machine = boot("--cpus", harts, "--rng", "--net", "user", "--stats", "--accel", "jit,lockstep,t2-after=50")
    machine.to_shell(10 * BOOT)
    assert machine.run("seq 1000 | sha256sum | cut -c1-8", 10 * STEP) == "67d4ff71"
    machine.power_off()
    checked = re.search(r"^lockstep\.instructions (\d+)", machine.stderr(), re.M)
    assert int(checked[1]) > 10**9


def test_counters_on_request(boot):
    """SIGUSR1 shows them while the guest runs, and it goes on; --stats at the end, grown."""
    machine = boot("--cpus", 2, "--stats")
    machine.to_shell()
    machine.signal(signal.SIGUSR1)
    first = int(machine.errors.expect(r"^hart0\.instructions (\d+)", STEP)[1])
    machine.errors.expect(r"^cache\.blocks \d+", STEP)
    assert machine.run("echo still-here") == "still-here"
    machine.power_off()
    last = re.findall(r"^hart0\.instructions (\d+)", machine.stderr(), re.M)
    assert int(last[-1]) > first > 0


def test_device_tree_is_sound(start, tmp_path, disk):
    path = tmp_path / "tree.dtb"
    machine = start("--cpus", 4, "--disk", f"path={disk()}", "--dump-dtb", path, "--cmdline", "root=/dev/vda")
    assert machine.wait() == 0
    assert machine.stderr() == ""
    # The binding of riscv,cpu-intc has no #address-cells; Linux builds without this check too.
    result = subprocess.run(
        ["dtc", "-W", "no-interrupt_provider", "-I", "dtb", "-O", "dts", path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert result.stderr == ""
    assert len(re.findall(r"\bcpu@\d+ \{", result.stdout)) == 4
    assert 'bootargs = "root=/dev/vda"' in result.stdout
    assert result.stdout.count('"virtio,mmio"') == 8


def test_own_device_tree_is_taken(boot, tmp_path, start):
    path, text = tmp_path / "tree.dtb", tmp_path / "tree.dts"
    dump = start("--cpus", 2, "--dump-dtb", path)
    assert dump.wait() == 0
    subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", "-o", text, path], check=True)
    text.write_text(text.read_text().replace("riscv-virtio,vireo", "a-model-of-my-own"))
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", path, text], check=True)
    machine = boot("--cpus", 2, "--dtb", path)
    machine.to_shell()
    assert "a-model-of-my-own" in machine.run("cat /proc/device-tree/model")
    machine.power_off()


def test_stats_are_printed(boot):
    machine = boot("--stats", cmdline="console=ttyS0 quiet vireo.run=true")
    assert machine.wait(BOOT) == 0
    assert re.search(r"^hart0\.instructions [1-9]\d+$", machine.stderr(), re.M)


def test_help_and_version(program):
    for args in (["--help"], ["run", "--help"], ["--version"], ["doctor", "--help"]):
        result = subprocess.run([program, *args], capture_output=True, text=True)
        assert (result.returncode, result.stderr) == (0, ""), args
        assert result.stdout != ""


def test_doctor(program):
    result = subprocess.run([program, "doctor"], capture_output=True, text=True, env=os.environ)
    assert result.returncode == 0, result.stdout + result.stderr
