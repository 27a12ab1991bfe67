"""The user-mode network: out of the guest, into it, and what it must not let through."""

import hashlib
import http.client
import http.server
import os
import socket
import threading

import pytest

from machine import STEP, free_port


@pytest.fixture
def server(tmp_path):
    """An HTTP server on the host's loopback: (folder, port)."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield tmp_path, httpd.server_address[1]
        httpd.shutdown()
        thread.join()


def test_dhcp(boot):
    machine = boot("--net", "user")
    machine.to_shell()
    assert "10.0.2.15/24" in machine.run("ip -4 addr show eth0")
    assert "default via 10.0.2.2" in machine.run("ip route")
    assert "10.0.2.3" in machine.run("cat /etc/resolv.conf")
    machine.run("ping -c 2 10.0.2.2")
    machine.power_off()


def test_guest_reaches_the_host(boot, server):
    folder, port = server
    data = os.urandom(24 << 20)
    (folder / "data").write_bytes(data)
    machine = boot("--cpus", 2, "--net", "user")
    machine.to_shell()
    got = machine.run(f"wget -qO- http://10.0.2.2:{port}/data | sha256sum", 2 * STEP)
    assert got.split()[0] == hashlib.sha256(data).hexdigest()
    machine.power_off()


def test_host_reaches_the_guest(boot):
    port = free_port()
    machine = boot("--cpus", 2, "--net", f"user,hostfwd=tcp:127.0.0.1:{port}-:80")
    machine.to_shell()
    machine.run("mkdir /tmp/www; dd if=/dev/urandom of=/tmp/www/data bs=1M count=8 2>/dev/null")
    expected = machine.run("sha256sum </tmp/www/data").split()[0]
    machine.run("httpd -p 80 -h /tmp/www")
    for _ in range(3):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=STEP)
        client.request("GET", "/data")
        body = client.getresponse().read()
        assert hashlib.sha256(body).hexdigest() == expected
        client.close()
    machine.power_off()
    # The port is free again.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def test_udp_forward(boot):
    """Nobody listens in the guest; its kernel counts the datagrams that come."""
    port = free_port()
    machine = boot("--net", f"user,hostfwd=udp:127.0.0.1:{port}-:5000")
    machine.to_shell()
    come = "awk '/^Udp: [0-9]/ { print $3 }' /proc/net/snmp"
    before = int(machine.run(come))
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(20):
        client.sendto(b"datagram", ("127.0.0.1", port))
    client.close()
    machine.run(f"n=0; while [ $n -lt 200 ] && [ $({come}) -lt {before + 20} ]; do n=$((n+1)); usleep 50000; done")
    assert int(machine.run(come)) >= before + 20
    machine.power_off()


def test_restricted_goes_nowhere_but_forwards(boot, server):
    folder, port = server
    (folder / "data").write_text("secret")
    into = free_port()
    machine = boot("--net", f"user,restrict=on,hostfwd=tcp:127.0.0.1:{into}-:80")
    machine.to_shell()
    assert "secret" not in machine.run(f"wget -T 3 -qO- http://10.0.2.2:{port}/data", check=False)
    machine.run("mkdir /tmp/www; echo inside >/tmp/www/f; httpd -p 80 -h /tmp/www")
    client = http.client.HTTPConnection("127.0.0.1", into, timeout=STEP)
    client.request("GET", "/f")
    assert client.getresponse().read() == b"inside\n"
    client.close()
    machine.power_off()


def test_two_networks_and_a_mac(boot):
    machine = boot("--net", "user,mac=52:54:00:aa:bb:cc", "--net", "user")
    machine.to_shell()
    assert machine.run("cat /sys/class/net/eth0/address") == "52:54:00:aa:bb:cc"
    assert machine.run("cat /sys/class/net/eth1/address") != "52:54:00:aa:bb:cc"
    machine.power_off()


def test_many_connections(boot, server):
    """More than a backlog's worth, one after the other and eight at a time."""
    folder, port = server
    (folder / "small").write_text("x" * 1000)
    machine = boot("--cpus", 2, "--net", "user")
    machine.to_shell()
    got = machine.run(
        "(for i in 1 2 3 4 5 6 7 8; do (n=0; while [ $n -lt 20 ]; do n=$((n+1));"
        f" wget -qO- http://10.0.2.2:{port}/small | wc -c >>/tmp/n$i; done) & done; wait);"
        " cat /tmp/n* | sort | uniq -c",
        2 * STEP,
    )
    assert got.split() == ["160", "1000"]
    machine.power_off()
