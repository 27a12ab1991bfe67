"""Programs that Debian's users run, in the guest: what they compute must be what it is elsewhere.

They are installed once into a disk of their own (CACHE/debian/workloads.img); each test works on a
copy. VIREO_STRESS_SECONDS is how long stress-ng runs in all (1200).
"""

import math
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import CACHE, TOP
from debian import LONG, Debian
from machine import Vireo

pytestmark = pytest.mark.long

PACKAGES = ["stress-ng", "gcc", "libc6-dev", "python3", "libpython3.13-testsuite", "luajit", "nodejs"]
HARTS = 4
STRESS = float(os.environ.get("VIREO_STRESS_SECONDS", "1200"))


@pytest.fixture(scope="session")
def workloads(program, debian):
    """The disk with PACKAGES; the folder with the packages beside it."""
    disk, folder = debian / "workloads.img", debian / "packages"
    if disk.exists() and disk.stat().st_mtime > (debian / "disk.img").stat().st_mtime:
        return disk
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([TOP / "scripts/guest_packages", debian / "disk.img", folder, *PACKAGES], check=True)
    new = debian / "workloads.new"
    subprocess.run(["cp", "--sparse=always", debian / "disk.img", new], check=True)
    machines = []

    def start(*args):
        machines.append(Vireo(program, args))
        return machines[-1]

    try:
        guest = Debian(start, debian, new, cpus=2, memory="2G")
        guest.up()
        with subprocess.Popen(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(guest.command("mkdir -p /root/p; tar -C /root/p -x"), stdin=tar.stdout, check=True)
        guest.ssh(  # apt, for its order of pre-dependencies; it needs no network
            "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends"
            " -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=/dev/null /root/p/*.deb && rm -r /root/p",
            limit=3 * LONG,
        )
        guest.power_off()
    finally:
        for machine in machines:
            machine.close()
    new.rename(disk)
    return disk


@pytest.fixture
def run(start, debian, workloads, tmp_path):
    """run(): the disk's copy, booted with four harts."""
    disk = tmp_path / "workloads.img"
    subprocess.run(["cp", "--sparse=always", workloads, disk], check=True)

    def boot(*args):
        guest = Debian(start, debian, disk, *args, cpus=HARTS, memory="2G")
        guest.up()
        return guest

    yield boot
    disk.unlink()


STRESSORS = (
    "cpu matrix memcpy malloc vm atomic mutex signal sigfd fork exec mmap flushcache icache futex"
    " membarrier fp funccall qsort hash jump".split()
)


def test_stress_ng(run):
    guest = run()
    known = guest.ssh("stress-ng --stressors").split()
    chosen = [name for name in STRESSORS if name in known]
    assert len(chosen) >= 16, f"this stress-ng has only {chosen}"
    each = max(2, math.ceil(STRESS / len(chosen)))
    command = f"stress-ng --verify --oomable -t {each} --metrics-brief"
    for line in (
        f"cd /root; {command} --seq {HARTS} --with {','.join(set(chosen) - {'exec'})}",
        f"cd /tmp; runuser -u nobody -- {command} --exec {HARTS}",  # which root does not get
    ):
        out = guest.ssh(f"{line} 2>&1", limit=STRESS * 3 + LONG)
        print(out)
        assert re.search(r"\bfailed: 0\b", out), out
        assert re.search(r"\bskipped: 0\b", out), out
        assert "unsuccessful" not in out and "FAIL" not in out, out
    assert guest.ssh("dmesg --level=emerg,alert,crit,err | grep -v -i 'out of memory'", check=False) == ""
    guest.power_off()


def unpacked(folder):
    """The packages' files, to run some of the guest's programs outside."""
    root = CACHE / "debian/packages.root"
    if not root.exists():
        new = root.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        for deb in sorted(folder.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", deb, new], check=True)
        new.rename(root)
    return root


def test_gcc_makes_the_same_object_files(run, debian, tmp_path):
    """Programs of bench/ and Vireo's own interpreter of floating point, preprocessed in the guest
    and compiled there, and by the same compiler outside, in QEMU's user mode."""
    qemu = shutil.which("qemu-riscv64") or shutil.which("qemu-riscv64-static")
    if qemu is None:
        pytest.skip("needs qemu-user or qemu-user-static")
    guest = run()
    sources = sorted(TOP.glob("bench/programs/*.c")) + sorted(TOP.glob("src/cpu/fp/*.c"))
    with subprocess.Popen(
        ["tar", "-C", TOP, "-c", "bench/programs", "src"], stdout=subprocess.PIPE
    ) as tar:
        subprocess.run(guest.command("mkdir -p /root/s; tar -C /root/s -x"), stdin=tar.stdout, check=True)
    names = " ".join(str(path.relative_to(TOP)) for path in sources)
    made = guest.ssh(
        "cd /root/s; mkdir out; for f in " + names + "; do b=out/$(basename $f .c);"
        " gcc -Isrc -Ibench/programs -D_GNU_SOURCE -std=gnu11 -E $f -o $b.i &&"
        " gcc -O2 -fno-ident -S $b.i -o $b.s && as $b.s -o $b.o && echo ok; done; cc1=$(gcc -print-prog-name=cc1);"
        " echo $cc1",
        limit=LONG,
    ).split()
    assert made.count("ok") >= len(sources) - 4, made  # some may need what the guest has not
    got = tmp_path / "guest"
    got.mkdir()
    with subprocess.Popen(guest.command("tar -C /root/s/out -c ."), stdout=subprocess.PIPE) as tar:
        subprocess.run(["tar", "-C", got, "-x"], stdin=tar.stdout, check=True)
    libraries = subprocess.run(  # libc and what else cc1 needs is on the disk
        guest.command("tar -C / -ch $(ldd $(gcc -print-prog-name=cc1) $(gcc -print-prog-name=as) | awk '$3 ~ /^\\// {print $3} $1 ~ /^\\// && NF == 2 {print $1}' | sed 's/:$//' | sort -u)"),
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["tar", "-C", root, "-x"], input=libraries, check=True)
    packages = unpacked(debian / "packages")
    cc1 = packages / made[-1].lstrip("/")
    assembler = next(packages.glob("usr/bin/riscv64-linux-gnu-as"))
    compared = 0
    for source in sorted(got.glob("*.i")):
        if not (got / f"{source.stem}.o").exists():
            continue
        ours = tmp_path / source.stem
        outside = [qemu, "-L", root, "-E", f"LD_LIBRARY_PATH={packages}/usr/lib/riscv64-linux-gnu"]
        subprocess.run(
            [*outside, cc1, "-fpreprocessed", "-quiet", "-O2", "-fno-ident", "-mabi=lp64d", "-misa-spec=20191213",
             "-march=rv64gc", source.name, "-o", f"{ours}.s"],
            check=True, cwd=got,
        )  # fmt: skip
        subprocess.run([*outside, assembler, f"{ours}.s", "-o", f"{ours}.o"], check=True, cwd=got)
        theirs = pathlib.Path(f"{ours}.s").read_text(), pathlib.Path(f"{ours}.o").read_bytes()
        assert ((got / f"{source.stem}.s").read_text(), (got / f"{source.stem}.o").read_bytes()) == theirs, source.stem
        compared += 1
    print(f"{compared} object files the same")
    assert compared >= len(sources) - 4
    guest.power_off()


PYTHON = (
    "builtin dict list set int long float math cmath struct re json decimal fractions random hash"
    " generators exceptions threading thread subprocess queue array bytes str tuple bool"
    " complex itertools functools collections heapq bisect zlib marshal pickle statistics".split()
)


def test_pythons_own_tests(run):
    guest = run()
    modules = " ".join(f"test_{name}" for name in PYTHON)
    out = guest.ssh(
        f"cd /tmp && python3 -m test -j{HARTS} --timeout 3600 {modules} 2>&1 | tail -n 40", limit=6 * LONG
    )
    print(out)
    assert re.search(r"^Result: SUCCESS$", out, re.M), out
    guest.power_off()


QUEENS = """
local function queens(n)
  local cols, up, down, found = {}, {}, {}, 0
  local function put(row)
    if row > n then found = found + 1 return end
    for c = 1, n do
      if not cols[c] and not up[row + c] and not down[row - c + n] then
        cols[c], up[row + c], down[row - c + n] = true, true, true
        put(row + 1)
        cols[c], up[row + c], down[row - c + n] = false, false, false
      end
    end
  end
  put(1)
  return found
end
local s, x = 0.0, 12345
for i = 1, 3000000 do x = (x * 1103515245 + 12345) % 2147483648; s = s + x / (i + 0.5) end
print(queens(9), string.format("%.6f", s), x)
"""

SIEVE = """
function sieve(n) { const a = new Uint8Array(n + 1); let c = 0;
  for (let i = 2; i <= n; i++) { if (!a[i]) { c++; for (let j = i * 2; j <= n; j += i) a[j] = 1; } } return c; }
class V { constructor(x, y) { this.x = x; this.y = y; } add(o) { return new V(this.x + o.x, this.y + o.y); } }
let v = new V(0, 0); for (let i = 0; i < 500000; i++) v = v.add(new V(i % 7, 0.5));
let h = 0; for (let i = 0; i < 3000000; i++) h = (Math.imul(h, 31) + i) | 0;
console.log(sieve(2000000), v.x, v.y, h);
"""


def test_guests_that_compile(run):
    """LuaJIT and node write code and run it; what comes out must be what their interpreters say,
    and for node what arithmetic says."""
    guest = run()
    guest.ssh("cat >/root/q.lua <<'E'\n" + QUEENS + "E")
    compiled = guest.ssh("for i in 1 2 3; do luajit -jon /root/q.lua; done").splitlines()
    assert compiled == guest.ssh("luajit -joff /root/q.lua").splitlines() * 3
    assert compiled[0].startswith("352\t")
    guest.ssh("cat >/root/s.js <<'E'\n" + SIEVE + "E")
    h = 0
    for i in range(3000000):
        h = (h * 31 + i) & 0xFFFFFFFF
    h -= (h >> 31) << 32
    x = sum(i % 7 for i in range(500000))
    assert guest.ssh("node /root/s.js") == f"148933 {x} 250000 {h}"
    assert guest.ssh("node --jitless /root/s.js") == f"148933 {x} 250000 {h}"
    guest.power_off()


def test_ten_thousand_modules_come_and_go(run):
    cycles = 10000
    guest = run()
    # A library, which makes no device: what is measured is code that comes and goes, not udev.
    load = "for i in $(seq %d); do insmod $m && rmmod crc7 || exit 1; done"
    guest.ssh("modprobe -r crc7; f=$(modinfo -n crc7); xz -dc $f >/root/crc7.ko 2>/dev/null || cp $f /root/crc7.ko")
    guest.ssh("systemctl stop systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket")
    guest.ssh("m=/root/crc7.ko; " + load % (cycles // 10), limit=LONG)
    before = guest.machine.own_memory()
    guest.ssh("m=/root/crc7.ko; " + load % cycles, limit=4 * LONG)
    grown = guest.machine.own_memory() - before  # KiB, without the RAM of the guest
    print(f"grown by {grown} KiB")
    assert grown < 8 << 10
    guest.power_off()
