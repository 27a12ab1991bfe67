"""Bad input: one line on stderr that names what is wrong, status 2 or 3, nothing left behind."""

import os
import re
import socket
import subprocess

import pytest


def refused(program, *args, cwd, status=None):
    """Runs vireo, which must refuse; the message."""
    result = subprocess.run(
        [program, *[str(x) for x in args]],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=cwd, timeout=60,
    )  # fmt: skip
    assert result.returncode in ((2, 3) if status is None else (status,)), result
    assert result.stdout == ""
    assert re.fullmatch(r"vireo: [^\n]+\n", result.stderr), result.stderr
    return result.stderr


@pytest.fixture
def work(tmp_path):
    """An empty folder to run in, in which nothing may be left."""
    folder = tmp_path / "work"
    folder.mkdir()
    yield folder
    assert os.listdir(folder) == []


def cut(guest, tmp_path, size, name="cut"):
    path = tmp_path / name
    with open(guest / "vmlinux", "rb") as whole:
        path.write_bytes(whole.read(size))
    return path


def x86_kernel(tmp_path):
    path = tmp_path / "bzImage"
    path.write_bytes(b"MZ" + bytes(0x200) + b"HdrS" + bytes(0x2000))
    return path


def elf(tmp_path, machine, bits=2):
    path = tmp_path / "kernel.elf"
    header = b"\x7fELF" + bytes([bits, 1, 1]) + bytes(9)
    header += (2).to_bytes(2, "little") + machine.to_bytes(2, "little") + (1).to_bytes(4, "little")
    path.write_bytes(header + bytes(4096))
    return path


@pytest.mark.parametrize("size", [0, 1, 63, 64, 4096, 100000])
def test_kernel_cut_short(program, guest, tmp_path, work, size):
    path = cut(guest, tmp_path, size)
    message = refused(program, "run", "--kernel", path, "--serial", f"unix={work}/s", cwd=work, status=3)
    assert str(path) in message


def test_kernel_gz_cut_short(program, guest, tmp_path, work):
    path = tmp_path / "Image.gz"
    whole = subprocess.run(["gzip", "-1c", cut(guest, tmp_path, 1 << 20)], capture_output=True, check=True).stdout
    path.write_bytes(whole[: len(whole) // 2])
    assert "cut short" in refused(program, "run", "--kernel", path, cwd=work, status=3)


def test_kernels_that_are_none(program, guest, tmp_path, work):
    cases = [
        (tmp_path / "nothing", "No such file"),
        (tmp_path, "directory"),
        (x86_kernel(tmp_path), "x86"),
        (elf(tmp_path, 62), "riscv64|RISC-V"),
        (guest / "initramfs.gz", "cpio"),
        (os.path.abspath(__file__), "no kernel"),
        ("/dev/null", "regular file"),
    ]
    for path, word in cases:
        message = refused(program, "run", "--kernel", path, cwd=work, status=3)
        assert str(path) in message and re.search(word, message), message


def test_a_host_program_is_the_wrong_architecture(program, work):
    assert re.search("riscv64|RISC-V", refused(program, "run", "--kernel", program, cwd=work, status=3))


def test_files_that_cannot_be_had(program, guest, tmp_path, work):
    kernel = guest / "vmlinux"
    gone = tmp_path / "gone"
    for option in ("--initrd", "--dtb", "--bios", "--flash", "--disk", "--config"):
        message = refused(program, "run", "--kernel", kernel, option, gone, "--serial", f"unix={work}/s", cwd=work)
        assert str(gone) in message and option in message, message
        message = refused(program, "run", "--kernel", kernel, option, tmp_path, "--serial", f"unix={work}/s", cwd=work)
        assert str(tmp_path) in message and option in message, message


def test_a_device_tree_that_is_none(program, guest, tmp_path, work):
    bad = tmp_path / "bad.dtb"
    for content in (b"\xd0\x0d\xfe\xed" + bytes(100), b"nonsense" * 10, b"\xd0"):
        bad.write_bytes(content)
        assert str(bad) in refused(program, "run", "--kernel", guest / "vmlinux", "--dtb", bad, cwd=work, status=3)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all files")
def test_unreadable_disk(program, guest, tmp_path, work):
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(1 << 20))
    path.chmod(0)
    message = refused(program, "run", "--kernel", guest / "vmlinux", "--disk", path, cwd=work, status=3)
    assert str(path) in message and "ermission" in message


def test_disks_that_are_none(program, guest, tmp_path, work):
    for name, size in (("odd", 1000), ("empty", 0)):
        path = tmp_path / name
        path.write_bytes(bytes(size))
        message = refused(program, "run", "--kernel", guest / "vmlinux", "--disk", path, cwd=work, status=3)
        assert str(path) in message


def test_more_memory_than_the_host_has(program, guest, work):
    message = refused(program, "run", "--kernel", guest / "vmlinux", "--memory", "100T", cwd=work)
    assert "--memory" in message
    with open("/proc/meminfo") as file:
        total = int(re.search(r"MemTotal:\s+(\d+)", file.read())[1])
    twice = total // 1024 * 2 // 2 * 2
    message = refused(program, "run", "--kernel", guest / "vmlinux", "--memory", f"{twice}M", cwd=work, status=3)
    assert "--memory" in message


def test_too_little_memory_for_the_kernel(program, guest, work):
    message = refused(program, "run", "--kernel", guest / "vmlinux", "--memory", "16M", cwd=work, status=3)
    assert "--memory" in message


def test_port_in_use(program, guest, work):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        message = refused(
            program, "run", "--kernel", guest / "vmlinux",
            "--net", f"user,hostfwd=tcp:127.0.0.1:{port}-:22", "--serial", f"unix={work}/s",
            cwd=work, status=3,
        )  # fmt: skip
    assert str(port) in message and "in use" in message


def test_socket_path_in_use(program, guest, tmp_path, work):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(path))
        taken.listen()
        message = refused(program, "run", "--kernel", guest / "vmlinux", "--serial", f"unix={path}", cwd=work, status=3)
        assert str(path) in message
        assert path.exists()  # not ours to remove


OPTIONS = [
    ([], "nothing to run"),
    (["--kernl", "x"], "--kernel"),
    (["--frobnicate"], "--frobnicate"),
    (["--kernel"], "--kernel"),
    (["--kernel="], "--kernel"),
    (["kernel"], "kernel"),
    (["-k", "x"], "-k"),
    (["--kernel", "x", "--cpus", "0"], "--cpus"),
    (["--kernel", "x", "--cpus", "65"], "--cpus"),
    (["--kernel", "x", "--cpus", "two"], "--cpus"),
    (["--kernel", "x", "--cpus", "-1"], "--cpus"),
    (["--kernel", "x", "--cpus", "1 "], "--cpus"),
    (["--kernel", "x", "--memory", "1"], "--memory"),
    (["--kernel", "x", "--memory", "1X"], "--memory"),
    (["--kernel", "x", "--memory", "99999999999999999999G"], "--memory"),
    (["--kernel", "x", "--memory", "-1G"], "--memory"),
    (["--kernel", "x", "--machine", "pc98"], "pc98"),
    (["--kernel", "x", "--accel", "magic"], "magic"),
    (["--kernel", "x", "--cpu", "rv32"], "--cpu"),
    (["--kernel", "x", "--cpu", "rv64,zzz=on"], "zzz"),
    (["--kernel", "x", "--cpu", "rv64,mmu=sv64"], "sv64"),
    (["--kernel", "x", "--disk", "readonly=on"], "path"),
    (["--kernel", "x", "--disk", "path=x,colour=red"], "colour"),
    (["--kernel", "x", "--disk", "path=x,readonly=maybe"], "maybe"),
    (["--kernel", "x", "--disk", "path=x,queues=0"], "queues"),
    (["--kernel", "x", "--net", "tap"], "tap"),
    (["--kernel", "x", "--net", "user,mac=1:2"], "mac"),
    (["--kernel", "x", "--net", "user,hostfwd=nonsense"], "nonsense"),
    (["--kernel", "x", "--net", "user,hostfwd=tcp:127.0.0.1:99999-:22"], "99999"),
    (["--kernel", "x", "--serial", "carrier-pigeon"], "carrier-pigeon"),
    (["--kernel", "x", "--rng=yes"], "--rng"),
    (["--kernel", "x", "--console", "stdio", "--serial", "stdio"], "stdio"),
    (["--initrd", "x"], "--kernel|nothing to run"),
    (["--kernel", "x", "--kernel", "y,at=nowhere"], "at"),
    (["--flash", "a", "--flash", "b", "--flash", "c"], "flash"),
    (["--kernel", "x"] + ["--disk", "x"] * 9, "disks"),
]


@pytest.mark.parametrize("args,word", OPTIONS, ids=lambda x: " ".join(x)[:40] if isinstance(x, list) else None)
def test_nonsense_options(program, work, args, word):
    message = refused(program, "run", *args, cwd=work)
    assert re.search(word, message), message


def test_commands(program, work):
    assert "reboot" in refused(program, "reboot", cwd=work, status=2)


CONFIGS = [
    ("", "config|JSON|empty"),
    ("{", ":1|line 1"),
    ("[]", "object"),
    ('{ "kernel": }', "line 1|:1"),
    ('{ "kernl": "x" }', "kernel"),
    ('{ "kernel": "x",\n  "cpus": "many" }', "cpus"),
    ('{ "kernel": "x", "cpus": 1.5 }', "cpus"),
    ('{ "kernel": "x", "cpus": {} }', "cpus"),
    ('{ "kernel": "x", "cpus": -2 }', "cpus"),
    ('{ "kernel": "x", "rng": "yes" }', "rng"),
    ('{ "kernel": null }', "kernel"),
    ('{ "kernel": "x", "disk": [ { "path": "x", "colour": "red" } ] }', "colour"),
    ('{ "kernel": "a\\u0000b" }', "kernel|config"),
    ('{ "kernel": "x", "kernel": "y" }', "kernel|duplicate"),
    ('{ "config": "vm.json" }', "config"),
    ("\x00\x01\x02", "config|JSON"),
    ("[" * 100000, "config|JSON|deep"),
]


@pytest.mark.parametrize("text,word", CONFIGS, ids=range(len(CONFIGS)))
def test_nonsense_config(program, work, tmp_path, text, word):
    path = tmp_path / "vm.json"
    path.write_text(text)
    message = refused(program, "run", "--config", path, cwd=work)
    assert re.search(word, message), message
    assert "vm.json" in message


def test_dump_dtb_to_where_nothing_can_be(program, work, tmp_path):
    message = refused(program, "run", "--dump-dtb", tmp_path / "no" / "tree", cwd=work, status=3)
    assert "no/tree" in message


def test_the_terminal_is_left_alone_by_errors(start, guest, tmp_path):
    import termios

    machine = start("--kernel", guest / "vmlinux", "--disk", tmp_path / "gone")
    assert machine.wait() == 3
    assert termios.tcgetattr(machine.slave) == machine.modes
    assert machine.stderr().count("\n") == 1


def test_a_guest_that_fails_is_status_1(start, tmp_path):
    """The test finisher's FAIL, written by three instructions of our own."""
    code = tmp_path / "fail.bin"
    words = (
        0x001002B7,  # lui  t0, 0x100       the finisher
        0x00073337,  # lui  t1, 0x73
        0x33330313,  # addi t1, t1, 0x333   code 7, FAIL
        0x0062A023,  # sw   t1, 0(t0)
        0x0000006F,  # j    .
    )
    code.write_bytes(b"".join(x.to_bytes(4, "little") for x in words))
    machine = start("--kernel", f"{code},at=0x80200000")
    assert machine.wait() == 1
    assert "7" in machine.stderr()
