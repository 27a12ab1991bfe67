#!/usr/bin/env bash
# demo.sh - from nothing to a Debian kernel's shell in a virtual machine, with one command.
#
#   ./demo.sh              install what is missing, build, fetch a kernel, boot to a shell
#   ./demo.sh --build      stop after the build: the program is build/vireo
#   ./demo.sh --debian     a full Debian 13 with systemd; ssh at 127.0.0.1:2222
#
# Works on a bare Debian 12 or 13, as root or as a user with sudo. Outside of this checkout it
# writes to the cache folder only (~/.cache/vireo, or where VIREO_CACHE points).
set -euo pipefail
. "$(dirname "$0")/scripts/lib.sh"

mode=shell
for arg in "$@"; do
    case $arg in
    --build) mode=build ;;
    --debian) mode=debian ;;
    -h | --help) usage_of "$0"; exit 0 ;;
    *) die "unknown option $arg; see --help" ;;
    esac
done

step() { # step "what" command...: says what it does and how long it took
    local what=$1 start
    shift
    start=$(date +%s)
    "$@"
    [ "$(($(date +%s) - start))" -lt 2 ] || say "$what $(took "$start")"
}

need_packages $build_packages
[ "$mode" = build ] || need_packages $guest_packages
step "Built build/vireo" build "$top/build" -Dbuildtype=release -Dtests=false
[ -x "$top/build/vireo" ] || ln -sf src/app/vireo "$top/build/vireo"
if [ "$mode" = build ]; then
    say "The program is build/vireo"
    exit 0
fi

if [ "$mode" = debian ]; then
    exec "$top/scripts/debian_disk" --boot
fi

step "Got the Debian kernel and busybox" "$top/scripts/guest_images" initramfs
guest=$cache/guest
disk=$cache/demo-disk.img
if [ ! -f "$disk" ]; then
    truncate -s 256M "$disk.new"
    PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 -q -F "$disk.new"
    mv "$disk.new" "$disk"
fi
say "Booting; Ctrl-A x quits, Ctrl-A h helps"
exec "$top/build/vireo" run --kernel "$guest/vmlinux" --initrd "$guest/initramfs.gz" \
    --cmdline "console=ttyS0 quiet" --cpus 2 --memory 1G --disk "path=$disk" --net user --rng
