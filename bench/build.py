"""bench/build.py - builds the programs for the host and for riscv64, and the guest's initramfs."""

import gzip
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
CFLAGS = ["-std=gnu17", "-O2", "-static", "-ffp-contract=off"]
CROSS_PREFIX = "riscv64-linux-gnu-"

# In the order of the issue that asked for them: arithmetic, memory, control flow, kernel, mixtures.
ORDER = ["alu", "bytes", "fpstream", "chase", "nbody", "indirect", "recursion", "copy", "syscalls",
         "faults", "forkexec", "switches", "vm", "hash", "sort", "compress"]


class BenchError(Exception):
    """One sentence for a person."""


def program_names():
    found = {p.stem for p in PROGRAMS.glob("*.c")}
    return [n for n in ORDER if n in found] + sorted(found - set(ORDER))


def need(tool, package):
    if not shutil.which(tool):
        raise BenchError(f"{tool} is not installed: install the Debian package {package}")
    return tool


def build_programs(names, out, cross):
    """Compiles what is older than its source. Returns {name: path}."""
    out.mkdir(parents=True, exist_ok=True)
    compiler = need(CROSS_PREFIX + "gcc", "gcc-riscv64-linux-gnu libc6-dev-riscv64-cross") \
        if cross else need("gcc", "gcc")
    header = (PROGRAMS / "bench.h").stat().st_mtime
    built = {}
    for name in names:
        source, target = PROGRAMS / f"{name}.c", out / name
        newest = max(source.stat().st_mtime, header)
        if not target.exists() or target.stat().st_mtime < newest:
            done = subprocess.run([compiler, *CFLAGS, "-s", str(source), "-o", str(target), "-lm"],
                                  capture_output=True, text=True)
            if done.returncode:
                raise BenchError(f"{source} does not compile with {compiler}:\n{done.stderr}")
        built[name] = target
    return built


class Cpio:
    """An initramfs: the "newc" format of the kernel's buffer-format.rst, in memory."""

    def __init__(self):
        self.data = bytearray()
        self.inode = 0

    def add(self, name, mode, content=b"", device=(0, 0)):
        self.inode += 1
        path = name.encode() + b"\0"
        fields = [self.inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(path), 0]
        self.data += b"070701" + b"".join(b"%08x" % f for f in fields) + path
        self.pad()
        self.data += content
        self.pad()

    def pad(self):
        self.data += bytes(-len(self.data) % 4)

    def directory(self, name):
        self.add(name, 0o040755)

    def file(self, name, content):
        self.add(name, 0o100755, content)

    def finish(self):
        self.add("TRAILER!!!", 0)
        return bytes(self.data)


def is_riscv64(path):
    with open(path, "rb") as f:
        head = f.read(20)
    return head[:5] == b"\x7fELF\x02" and head[18:20] == b"\xf3\x00"


def build_initramfs(programs, busybox, out):
    """An initramfs with busybox, init and the programs, gzipped lightly. Returns its path."""
    if not is_riscv64(busybox):
        raise BenchError(f"{busybox} is not a riscv64 program: give the busybox of the Debian "
                         "package busybox-static for riscv64")
    cpio = Cpio()
    for name in ("bin", "dev", "proc", "bench"):
        cpio.directory(name)
    cpio.add("dev/console", 0o020600, device=(5, 1))
    cpio.add("dev/null", 0o020666, device=(1, 3))
    cpio.file("bin/busybox", Path(busybox).read_bytes())
    cpio.file("init", (HERE / "guest" / "init").read_bytes())
    for name, path in programs.items():
        cpio.file(f"bench/{name}", path.read_bytes())
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_suffix(".part")
    temporary.write_bytes(gzip.compress(cpio.finish(), compresslevel=1, mtime=0))
    os.replace(temporary, out)
    return out
