# scripts/lib.sh - what the project's shell scripts share. Sourced by bash scripts.

# Where downloads and images are kept between runs; VIREO_CACHE moves it.
cache=${VIREO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vireo}
suite=trixie # Debian 13: where guests come from
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() {
    if [ -t 2 ]; then printf '\033[1m==> %s\033[0m\n' "$*" >&2; else printf '==> %s\n' "$*" >&2; fi
}
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# usage_of SCRIPT: the comment at its top.
usage_of() { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$1"; }

# took START: " (12 s)" since the epoch second START.
took() { printf '(%d s)' "$(($(date +%s) - $1))"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root for: $*; run it as root, or install sudo"
    fi
}

# need_packages NAME...: installs from the distribution what is missing, and says so.
need_packages() {
    local missing=() name
    for name in "$@"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
    done
    [ ${#missing[@]} = 0 ] && return
    local start
    start=$(date +%s)
    say "Installing ${#missing[@]} packages: ${missing[*]}"
    as_root apt-get update -qq >&2 || die "apt-get update failed; is the network up?"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >"$(log_file apt)" 2>&1 ||
        { tail -n 20 "$(log_file apt)" >&2; die "apt-get could not install: ${missing[*]}"; }
    say "Installed $(took "$start")"
}

log_file() {
    mkdir -p "$cache/log"
    printf '%s/log/%s.log' "$cache" "$1"
}

build_packages="gcc libc6-dev meson ninja-build pkg-config python3 libfdt-dev libslirp-dev
    libglib2.0-dev liburcu-dev libjansson-dev zlib1g-dev"
guest_packages="cpio xz-utils kmod e2fsprogs"
test_packages="clang libclang-rt-dev clang-format clang-tidy libcmocka-dev libmpfr-dev
    python3-pytest gcc-riscv64-linux-gnu libc6-dev-riscv64-cross binutils-riscv64-linux-gnu
    device-tree-compiler debootstrap openssh-client libcapstone-dev"

# build DIR [MESON OPTION]...: configures DIR if it is not, and builds.
build() {
    local dir=$1
    shift
    [ -f "$dir/build.ninja" ] || meson setup "$dir" "$top" "$@" >"$(log_file "setup-${dir##*/}")" 2>&1 ||
        { tail -n 20 "$(log_file "setup-${dir##*/}")" >&2; die "meson could not configure $dir"; }
    ninja -C "$dir" >"$(log_file "build-${dir##*/}")" 2>&1 ||
        { grep -E 'error|FAILED' "$(log_file "build-${dir##*/}")" | head -n 20 >&2; die "the build in $dir failed; all of it: $(log_file "build-${dir##*/}")"; }
}
