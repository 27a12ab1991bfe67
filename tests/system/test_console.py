"""Serial lines and consoles, and that every way out leaves the host as it was."""

import os
import re
import signal
import termios
import tty

import pytest

from machine import BOOT, STEP, Stream, interact


def restored(machine):
    return termios.tcgetattr(machine.slave) == machine.modes


def test_ctrl_a_x_quits(boot):
    machine = boot()
    machine.to_shell()
    assert not restored(machine)
    machine.serial.send("\x01x")
    assert machine.wait() == 0
    assert restored(machine)


def test_ctrl_a_h_helps_and_ctrl_a_twice_is_one(boot):
    machine = boot()
    machine.to_shell()
    machine.serial.send("\x01h")
    machine.errors.expect(r"Ctrl-A x")
    machine.serial.send("echo ready; cat -v\n")
    machine.serial.expect(r"^ready")
    machine.serial.send("a\x01\x01b\n\x04")
    machine.serial.expect(r"^a\^Ab\r*$")
    machine.serial.send("\x01x")
    assert machine.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_signals_restore_the_terminal_and_remove_sockets(boot, tmp_path, number):
    path = tmp_path / "console"
    machine = boot("--console", f"unix={path}")
    machine.serial.expect(r".")
    assert path.exists() and not restored(machine)
    machine.signal(number)
    assert machine.wait() == -number
    assert restored(machine)
    assert not path.exists()


def test_power_off_restores_the_terminal(boot):
    machine = boot(cmdline="console=ttyS0 quiet vireo.run=true")
    assert machine.wait(BOOT) == 0
    assert restored(machine)


def test_ctrl_c_is_the_guests(boot):
    machine = boot()
    machine.to_shell()
    # A loop, for the interrupt may come before the first sleep.
    machine.serial.send("sh -c \"trap 'echo caught; exit' INT; echo ready; while :; do sleep 1000; done\"\n")
    machine.serial.expect(r"^ready")
    machine.serial.send("\x03")
    machine.serial.expect(r"caught")
    machine.power_off()


def test_pipes(boot):
    """Without a terminal: input from a pipe, output to one; the guest goes on at its end."""
    machine = boot(terminal=False)
    machine.to_shell()
    machine.serial.send("echo by-$((1+1))-pipe; sleep 1; sync; poweroff -f\n")
    machine.process.stdin.close()
    machine.process.stdin = None
    machine.serial.expect(r"^by-2-pipe")
    assert machine.wait() == 0


def test_much_output_and_much_input(boot):
    """Both ways at once, more than any FIFO or pipe holds, nothing lost."""
    machine = boot()
    machine.to_shell()
    count = 3000
    machine.serial.send("cat >/tmp/in <<'EOF'\n" + "".join(f"line {i} of input\n" for i in range(count)) + "EOF\n")
    assert machine.run("wc -l </tmp/in") == str(count)
    assert machine.run("sort -u /tmp/in | wc -l") == str(count)
    output = machine.run("seq 1 40000")
    assert output.split() == [str(i) for i in range(1, 40001)]
    machine.power_off()


def test_pty(boot):
    machine = boot("--serial", "pty", terminal=False)
    path = machine.errors.expect(r"(/dev/pts/\d+)")[1]
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    machine.serial = machine.shell.stream = Stream(fd, fd)
    machine.to_shell()
    assert machine.run("echo on-a-pty") == "on-a-pty"
    machine.power_off()
    os.close(fd)
    machine.serial = Stream(machine.process.stdout.fileno())


def test_file(boot, tmp_path):
    path = tmp_path / "log"
    path.write_text("what was there before")
    machine = boot("--serial", f"file={path}", cmdline="console=ttyS0 vireo.run=echo%20to-$((1+1))-file")
    assert machine.wait(BOOT) == 0
    text = path.read_text()
    assert text.startswith("[    0.000000] Linux version")
    assert "\nto-2-file" in text
    assert machine.serial.log == ""


def test_unix_socket(boot, tmp_path):
    """One client after the other; the guest does not wait for any."""
    path = tmp_path / "serial"
    machine = boot("--serial", f"unix={path}")
    first = interact(str(path))
    machine.shell.stream = first
    machine.to_shell()
    assert machine.run("echo first") == "first"
    os.close(first.read_fd)
    second = interact(str(path))
    machine.shell.stream = second
    assert machine.run("echo second") == "second"
    second.send("poweroff -f\n")
    assert machine.wait() == 0
    assert not path.exists()
    os.close(second.read_fd)


def test_console_on_hvc0(boot):
    machine = boot("--console", "stdio", cmdline="console=hvc0 quiet")
    machine.to_shell()
    assert machine.run("readlink /proc/self/fd/0") == "/dev/hvc0"
    output = machine.run("seq 1 20000")
    assert output.split() == [str(i) for i in range(1, 20001)]
    machine.power_off()
    assert restored(machine)


def test_console_takes_the_terminals_size(boot):
    import fcntl
    import struct

    machine = boot("--console", "stdio", cmdline="console=hvc0 quiet")
    machine.to_shell()
    fcntl.ioctl(machine.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 37, 111, 0, 0))
    os.kill(machine.process.pid, signal.SIGWINCH)
    machine.run("n=0; while [ $n -lt 100 ] && ! stty size | grep -q '37 111'; do n=$((n+1)); usleep 50000; done")
    assert machine.run("stty size") == "37 111"
    machine.power_off()


def test_null(boot):
    machine = boot("--serial", "null", cmdline="console=ttyS0 quiet vireo.run=true")
    assert machine.wait(BOOT) == 0
    assert machine.serial.log == ""


def test_early_console_by_sbi(boot):
    machine = boot(cmdline="console=ttyS0 earlycon=sbi vireo.run=true")
    machine.serial.expect(r"earlycon: sbi0|bootconsole \[sbi0\] enabled", BOOT)
    assert machine.wait(BOOT) == 0
    assert len(re.findall("Linux version", machine.serial.log)) >= 1
