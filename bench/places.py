"""bench/places.py - where programs run and guests come from; for bench's commands."""

import os
import subprocess
import sys
from pathlib import Path

from build import BenchError
from emulator import RESULT

ROOT = Path(__file__).resolve().parent.parent


def find_guest(args):
    """Where kernel and busybox are: as given, or fetched from Debian into the cache folder."""
    cache = Path(os.environ.get("VIREO_CACHE")
                 or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vireo")
    fetched = {"kernel": cache / "guest" / "vmlinux", "busybox": cache / "guest" / "busybox"}
    missing = [name for name in fetched if not getattr(args, name)]
    script = ROOT / "scripts" / "guest_images"
    if missing and script.exists():
        if subprocess.run([script, *missing], stdout=sys.stderr).returncode:
            raise BenchError(f"{script} could not fetch {' and '.join(missing)}")
    for name, path in fetched.items():
        path = getattr(args, name) or path
        if not os.access(path, os.R_OK):
            raise BenchError(f"the riscv64 {name} {path} cannot be read: give one with --{name} "
                             "PATH (Debian packages linux-image-riscv64 and busybox-static)")
        setattr(args, name, str(path))


def run_native(path, name, scale, timeout):
    done = subprocess.run([path, str(scale)], capture_output=True, text=True, timeout=timeout)
    match = RESULT.match(done.stdout.strip())
    if done.returncode or not match:
        raise BenchError(f"native {name} failed: {done.stdout}{done.stderr}")
    return float(match[2]), match[3]


def turned(items, by):
    by %= len(items)
    return items[by:] + items[:by]
