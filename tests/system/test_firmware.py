"""Firmware as Debian ships it: OpenSBI, U-Boot in S and M mode, EDK2; and the installer."""

import shutil
import struct
import subprocess

import pytest

from conftest import images
from machine import BOOT, STEP

QUIET = "console=ttyS0 quiet"


@pytest.fixture(scope="session")
def opensbi(guest):
    images("opensbi")
    return guest / "opensbi"


@pytest.fixture(scope="session")
def u_boot(guest):
    images("u-boot")
    return guest / "u-boot"


@pytest.fixture(scope="session")
def edk2(guest):
    images("edk2")
    return guest / "edk2"


def test_opensbi_and_linux(boot, opensbi):
    machine = boot("--cpus", 2, "--bios", opensbi / "fw_dynamic.bin", "--rng")
    machine.serial.expect(r"OpenSBI v")
    machine.serial.expect(r"Platform HART Count +: 2")
    machine.to_shell()
    assert machine.run("nproc") == "2"
    assert "SBI" in machine.run("dmesg | grep -m1 'SBI specification'")
    machine.run("echo 0 >/sys/devices/system/cpu/cpu1/online; echo 1 >/sys/devices/system/cpu/cpu1/online")
    # A reset goes through the firmware again, all harts.
    machine.serial.send("reboot -f\n")
    machine.serial.expect(r"OpenSBI v")
    machine.to_shell()
    assert machine.run("nproc") == "2"
    machine.power_off()


@pytest.mark.long
@pytest.mark.parametrize("harts", [1, 4])
def test_opensbi_jump_and_linux(boot, opensbi, harts):
    machine = boot("--cpus", harts, "--bios", opensbi / "fw_jump.bin")
    machine.serial.expect(r"OpenSBI v")
    machine.to_shell()
    assert machine.run("nproc") == str(harts)
    machine.power_off()


@pytest.fixture(scope="session")
def extlinux_disk(guest, tmp_path_factory):
    """A disk with one partition, and in it a kernel as extlinux finds it."""
    folder = tmp_path_factory.mktemp("extlinux")
    root = folder / "root"
    (root / "boot/extlinux").mkdir(parents=True)
    for name in ("vmlinux", "initramfs.gz"):
        shutil.copy(guest / name, root / "boot" / name)
    (root / "boot/extlinux/extlinux.conf").write_text(
        "default linux\nlabel linux\n linux /boot/vmlinux\n initrd /boot/initramfs.gz\n"
        f" append {QUIET} from-extlinux\n"
    )
    image, start, size = folder / "disk.img", 2048, 128 << 11
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", start, size)
    with open(image, "wb") as disk:
        disk.write(bytes(446) + entry + bytes(48) + b"\x55\xaa")
        disk.truncate((start + size) * 512)
    subprocess.run(
        ["mkfs.ext4", "-q", "-F", "-d", root, "-E", f"offset={start * 512}", image, f"{size // 2}k"],
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}, check=True,
    )  # fmt: skip
    return image


UBOOTS = {
    "S mode on the built-in SBI": lambda u, o: ["--kernel", f"{u}/smode.bin,at=0x80200000"],
    "S mode on OpenSBI": lambda u, o: ["--kernel", f"{u}/smode.bin,at=0x80200000", "--bios", o / "fw_dynamic.bin"],
    "S mode on OpenSBI's fw_jump": lambda u, o: ["--kernel", f"{u}/smode.bin,at=0x80200000", "--bios", o / "fw_jump.bin"],
    "M mode": lambda u, o: ["--bios", u / "mmode.bin"],
}


@pytest.mark.parametrize("how", UBOOTS)
def test_u_boot_prompt(start, u_boot, opensbi, how):
    machine = start("--cpus", 2, "--net", "user", "--rng", *UBOOTS[how](u_boot, opensbi))
    machine.serial.expect(r"U-Boot 20\d\d")
    machine.serial.expect(r"DRAM: +1 GiB")
    machine.serial.expect(r"autoboot")
    machine.serial.send("\x03")
    machine.serial.expect(r"^=> ")
    machine.serial.send("echo sum; setexpr x 0x20 + 0x22; printenv x\n")
    machine.serial.expect(r"x=42")
    machine.serial.send("dhcp 0x84000000 10.0.2.2:nothing\n")
    machine.serial.expect(r"DHCP client bound to address 10\.0\.2\.15")
    machine.serial.expect(r"^=> ")
    machine.serial.send("poweroff\n")
    assert machine.wait() == 0


@pytest.mark.long
@pytest.mark.parametrize("how", [x for x in UBOOTS if x != "M mode"])
def test_u_boot_starts_linux(start, u_boot, opensbi, extlinux_disk, how):
    machine = start(
        "--cpus", 2, "--rng", "--disk", f"path={extlinux_disk},readonly=on", *UBOOTS[how](u_boot, opensbi)
    )  # fmt: skip
    machine.serial.expect(r"/boot/extlinux/extlinux\.conf", 2 * STEP)
    machine.serial.expect(r"Starting kernel", 4 * STEP)
    machine.to_shell()
    assert machine.run("nproc") == "2"
    assert machine.run("grep -c from-extlinux /proc/cmdline") == "1"
    machine.power_off()


def edk2_start(start, edk2, tmp_path, *args):
    variables = tmp_path / "vars.fd"
    shutil.copy(edk2 / "vars.fd", variables)
    machine = start(
        "--cpus", 2, "--flash", f"path={edk2}/code.fd,readonly=on", "--flash", f"path={variables}", *args
    )  # fmt: skip
    return machine, variables


def edk2_shell(machine):
    machine.serial.expect(r"EDK2 firmware version", BOOT)
    machine.serial.expect(r"ESC", BOOT)
    machine.serial.expect(r"to skip", BOOT)
    machine.serial.send("\x1b")
    machine.serial.expect(r"Shell> ", STEP)


@pytest.mark.long
@pytest.mark.parametrize("sbi", ["built-in SBI", "OpenSBI"])
def test_edk2_shell(start, edk2, opensbi, tmp_path, disk, sbi):
    bios = ["--bios", opensbi / "fw_dynamic.bin"] if sbi == "OpenSBI" else []
    machine, variables = edk2_start(start, edk2, tmp_path, "--disk", f"path={disk()}", *bios)
    before = variables.read_bytes()
    edk2_shell(machine)
    machine.serial.send("map\r")
    machine.serial.expect(r"BLK0", STEP)
    machine.serial.expect(r"Shell> ", STEP)
    # A variable is in flash: it outlives a reset and ends up in the file.
    guid = "11111111-2222-3333-4444-555555555555"
    machine.serial.send(f'setvar vireo -guid {guid} -bs -nv =L"kept"\r')
    machine.serial.expect(r"Shell> ", STEP)
    machine.serial.send("reset\r")
    edk2_shell(machine)
    machine.serial.send(f"setvar vireo -guid {guid}\r")
    machine.serial.expect(r"6B 00 65 00 70 00 74 00", STEP)
    machine.serial.expect(r"Shell> ", STEP)
    machine.serial.send("reset -s\r")
    assert machine.wait() == 0
    after = variables.read_bytes()
    assert len(after) == len(before) and after != before
    assert "kept".encode("utf-16-le") in after


@pytest.mark.long
def test_installers_first_screen(start):
    images("installer")
    from conftest import GUEST

    machine = start(
        "--cpus", 2, "--memory", "1G", "--net", "user", "--rng", "--kernel", GUEST / "installer/linux",
        "--initrd", GUEST / "installer/initrd.gz", "--cmdline", "console=ttyS0 TERM=linux",
    )  # fmt: skip
    machine.serial.expect(r"Select a language", 5 * BOOT)
    machine.serial.expect(r"English", STEP)
