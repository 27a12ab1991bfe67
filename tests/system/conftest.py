"""Options and fixtures. VIREO is the program under test; the guests come from the cache folder
(scripts/guest_images makes them)."""

import os
import pathlib
import subprocess

import pytest

from machine import Vireo

TOP = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(
    os.environ.get("VIREO_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "vireo"
)
GUEST = CACHE / "guest"


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also what takes minutes: firmware, Debian")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; only with --long")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="long"))


def images(*names):
    """Has guest_images make what is not there."""
    subprocess.run([TOP / "scripts/guest_images", *names], check=True)


@pytest.fixture(scope="session")
def program():
    path = os.environ.get("VIREO") or str(TOP / "build/vireo")
    assert os.access(path, os.X_OK), f"no program at {path}; set VIREO"
    return path


@pytest.fixture(scope="session")
def guest():
    images("initramfs")
    return GUEST


@pytest.fixture(scope="session")
def debian(program):
    subprocess.run([TOP / "scripts/debian_disk"], env={**os.environ, "VIREO": program}, check=True)
    return CACHE / "debian"


@pytest.fixture
def start(program):
    """start(args...) runs vireo; what still runs after the test is ended."""
    running = []

    def run(*args, **options):
        machine = Vireo(program, args, **options)
        running.append(machine)
        return machine

    yield run
    for machine in running:
        machine.close()


@pytest.fixture
def boot(start, guest):
    """boot(args..., cmdline=...) starts Debian's kernel with the small initramfs."""

    def run(*args, cmdline="console=ttyS0 quiet", **options):
        return start(
            "--kernel", guest / "vmlinux", "--initrd", guest / "initramfs.gz",
            "--cmdline", cmdline, *args, **options,
        )  # fmt: skip

    return run


@pytest.fixture
def disk(tmp_path):
    """disk(MiB) is a new ext4 image."""

    def make(size=128, name="disk.img"):
        path = tmp_path / name
        subprocess.run(["truncate", "-s", f"{size}M", path], check=True)
        subprocess.run(
            ["mkfs.ext4", "-q", "-F", path],
            check=True,
            env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"},
        )
        return path

    return make
