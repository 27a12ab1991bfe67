#!/usr/bin/env bash
# test.sh - every check and test of the project.
#
#   ./test.sh              what CI runs: under 40 minutes on 2 cores
#   ./test.sh --quick      before each commit: a gcc build, unit tests, style
#   ./test.sh --long       CI's, and what takes hours: full Debian, firmware, installer, long fuzzing
#   ./test.sh --only PART  one part: build unit asan tsan style fp fuzz guest system conformance
#
# Installs what tests need from the distribution. Logs go to build-test/log/. The last line is
# "N passed, N failed". VIREO_RISCV_TESTS=DIR adds the public riscv-tests (see docs/testing.md).
set -uo pipefail
cd "$(dirname "$0")" || exit 1
. scripts/lib.sh

parts="build unit asan tsan style fp fuzz guest system conformance"
mode=ci
only=
while [ $# -gt 0 ]; do
    case $1 in
    --quick) mode=quick ;;
    --long) mode=long ;;
    --only)
        only=${2-}
        case " $parts " in
        *" $only "*) [ -n "$only" ] || die "--only needs the name of a part: $parts" ;;
        *) die "there is no part '$only'; choose from: $parts" ;;
        esac
        shift
        ;;
    -h | --help) usage_of "$0"; exit 0 ;;
    *) die "unknown option $1; see --help" ;;
    esac
    shift
done

work=$top/build-test
log=$work/log
mkdir -p "$log"
passed=0 failed=0 skipped=0
begun=$(date +%s)

wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }

pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); printf 'FAILED %s\n' "$*"; }

# run NAME COMMAND...: one test; its output goes to a log and is shown when it fails.
run() {
    local name=$1 start
    shift
    start=$(date +%s)
    if "$@" >"$log/$name.log" 2>&1; then
        pass
        printf 'ok     %s %s\n' "$name" "$(took "$start")"
    else
        fail "$name (log: $log/$name.log)"
        tail -n 15 "$log/$name.log" | sed 's/^/       /'
    fi
}

# configure NAME CC [MESON OPTION]...: a build folder below build-test.
configure() {
    local name=$1 compiler=$2
    shift 2
    [ -f "$work/$name/build.ninja" ] || CC=$compiler meson setup "$work/$name" "$top" -Dwerror=true "$@"
}

# suite BUILD ARGS...: meson tests, each counted.
suite() {
    local name=$1 label=$1-$2 start json
    shift 2
    start=$(date +%s)
    meson test -C "$work/$name" --no-rebuild --print-errorlogs "$@" >"$log/$label.log" 2>&1
    json=$work/$name/meson-logs/testlog.json
    eval "$(python3 - "$json" <<'P'
import json, sys
good = bad = skip = 0
names = []
try:
    for line in open(sys.argv[1]):
        test = json.loads(line)
        if test['result'] == 'OK':
            good += 1
        elif test['result'] == 'SKIP':
            skip += 1
        else:
            bad += 1
            names.append(test['name'].split(' / ')[-1])
except OSError:
    bad = 1
print(f"good={good} bad={bad} skip={skip} names='{' '.join(names)}'")
P
)"
    passed=$((passed + good)) skipped=$((skipped + skip))
    printf '%s %s: %d tests %s\n' "$([ "$bad" = 0 ] && echo 'ok    ' || echo 'not ok')" "$label" "$good" "$(took "$start")"
    for bad_name in $names; do fail "$label $bad_name (log: $log/$label.log)"; done
    [ "$bad" = 0 ] || grep -E 'ERROR|LINE|FAILED|WARNING: |Assertion' "$log/$label.log" | head -n 20 | sed 's/^/       /'
    [ "$bad" = 0 ] || [ -n "$names" ] || fail "$label did not run"
}

built() { [ -f "$work/$1/build.ninja" ]; }

lundef=-Db_lundef=false # clang's sanitizers are not in libc

build_all() {
    wanted build || wanted unit || wanted fp || wanted guest || wanted system || wanted conformance || wanted style &&
        run build-gcc eval 'configure gcc gcc -Dbuildtype=release -Db_ndebug=false && ninja -C "$work/gcc"'
    [ "$mode" = quick ] && return
    wanted build || wanted asan &&
        run build-asan eval 'configure asan clang -Db_sanitize=address,undefined $lundef && ninja -C "$work/asan"'
    wanted build || wanted tsan &&
        run build-tsan eval 'configure tsan clang -Db_sanitize=thread $lundef && ninja -C "$work/tsan"'
    wanted build || wanted fuzz &&
        run build-fuzz eval 'configure fuzz clang -Dfuzz=true -Dtests=false -Db_sanitize=address,undefined $lundef && ninja -C "$work/fuzz"'
}

unit() {
    wanted unit && suite gcc unit --suite unit
    wanted fp && [ "$mode" != quick ] && suite gcc fp --suite fp
    [ "$mode" = quick ] && return
    wanted asan && suite asan unit --suite unit --timeout-multiplier 4
    wanted tsan && TSAN_OPTIONS="suppressions=$top/tests/tsan.supp" suite tsan unit --suite unit --timeout-multiplier 6
}

style() {
    wanted style || return
    run layers scripts/check_layers
    if [ "$mode" = quick ]; then
        run style scripts/check_style --quick
    else
        run style scripts/check_style -p "$work/gcc"
    fi
}

# Each target for a minute (15 with --long), as many at a time as there are cores.
fuzz_all() {
    wanted fuzz && [ "$mode" != quick ] || return
    local seconds=60 source target
    [ "$mode" = long ] && seconds=900
    seconds=${VIREO_FUZZ_SECONDS:-$seconds}
    find "$work/fuzz/src" -type f -name 'fuzz_*' -perm -u+x |
        xargs -P "$(nproc)" -I{} scripts/fuzz_one {} "$seconds" "$log"
    for source in $(git ls-files 'src/*/fuzz_*.c'); do
        target=$log/$(basename "$source" .c).status
        if [ ! -f "$target" ]; then
            fail "$(basename "$source" .c) was not built or did not run"
        elif [ "$(cat "$target")" = 0 ]; then
            pass
        else
            fail "$(basename "$target" .status) (log: ${target%.status}.log)"
        fi
    done
    printf '%s fuzz: %s targets, %s s each\n' "done  " "$(ls "$log"/fuzz_*.status 2>/dev/null | wc -l)" "$seconds"
}

# Random programs on compiler and interpreter in one process (docs/testing.md): two harts, then one
# that compiles all as early as it can; on code that the run before has kept; and a few with each
# mechanism of compiled code off.
random_programs() {
    local program=$work/gcc/src/accel/random_programs count=50000000 off
    [ "$mode" = long ] && count=5000000000
    "$program" --instructions "$count" --harts 2 --accel jit,t1-after=2,t2-after=4 &&
        "$program" --instructions "$count" --harts 1 --seed 1000000000 --accel jit,t1-after=1,t2-after=1 &&
        "$program" --instructions $((count / 10)) --jit-cache "$work/jit-cache" &&
        "$program" --instructions $((count / 10)) --jit-cache "$work/jit-cache" || return
    for off in t2 share links calls loads atomics fp; do
        "$program" --instructions $((count / 50)) --harts 2 --seed 2000000000 \
            --accel "jit,t1-after=1,t2-after=1,$off=off" || return
    done
}

# Our own guest programs on each accelerator, then random ones on both: they must agree.
guest() {
    wanted guest && [ "$mode" != quick ] || return
    local accel program=$work/gcc/src/app/vireo count=40
    [ "$mode" = long ] && count=2000
    run guest-build scripts/build_guest_tests "$work/guest"
    for accel in interp jit jit,lockstep,t1-after=1,t2-after=1; do
        scripts/run_guest_tests "$work/guest" --vireo "$program" --accel "$accel" >"$log/guest-$accel.log" 2>&1
        eval "$(awk '/^[0-9]+ passed, [0-9]+ failed/ { good = $1; bad = $3 } END { printf "good=%d bad=%d", good, bad }' "$log/guest-$accel.log")"
        passed=$((passed + good))
        [ $((good + bad)) -gt 0 ] || fail "guest tests did not run (log: $log/guest-$accel.log)"
        for _ in $(seq "$bad"); do fail "guest test on $accel (log: $log/guest-$accel.log)"; done
        printf 'guest-%s: %d passed, %d failed\n' "$accel" "$good" "$bad"
    done
    run guest-random-harts random_programs
    run guest-random scripts/compare_random "$work/guest" \
        "$program run --accel jit --serial stdio --memory 128M --bios {elf}" \
        "$program run --accel interp --serial stdio --memory 128M --bios {elf}" -n "$count" --seed 1
}

system() {
    wanted system && [ "$mode" != quick ] || return
    local args=(-q -p no:cacheprovider --junitxml "$log/system.xml") start
    start=$(date +%s)
    [ "$mode" = long ] && args+=(--long)
    run images scripts/guest_images initramfs opensbi
    VIREO=$work/gcc/src/app/vireo /usr/bin/python3 -m pytest "${args[@]}" tests/system >"$log/system.log" 2>&1
    eval "$(python3 - "$log/system.xml" <<'P'
import sys, xml.etree.ElementTree as tree
try:
    suite = tree.parse(sys.argv[1]).getroot().find('testsuite')
    bad = int(suite.get('failures')) + int(suite.get('errors'))
    skip = int(suite.get('skipped'))
    good = int(suite.get('tests')) - bad - skip
except (OSError, tree.ParseError):
    good, bad, skip = 0, 1, 0
print(f'good={good} bad={bad} skip={skip}')
P
)"
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + skip))
    printf 'system: %d passed, %d failed, %d skipped %s\n' "$good" "$bad" "$skip" "$(took "$start")"
    [ "$bad" = 0 ] || grep -E '^(FAILED|ERROR|E  )' "$log/system.log" | head -n 40
}

# Public tests are not kept here: VIREO_RISCV_TESTS is a folder with their ELF files (p and v
# environments). Of Zfh the profile has Zfhmin only, so the other tests of that suite are left out.
conformance() {
    wanted conformance && [ -n "${VIREO_RISCV_TESTS:-}" ] || return
    local skip=() name accel
    for name in fadd fclass fcmp fcvt fdiv fmadd fmin move recoding; do
        skip+=(--skip "rv64uzfh-p-$name" --skip "rv64uzfh-v-$name")
    done
    for accel in interp jit jit,lockstep,t1-after=1,t2-after=1; do
        "$work/gcc/tests/conformance/riscv_tests" --accel "$accel" "${skip[@]}" "$VIREO_RISCV_TESTS" >"$log/conformance-$accel.log" 2>&1
        eval "$(awk '/^[0-9]+ passed, [0-9]+ failed/ { good = $1; bad = $3 } END { printf "good=%d bad=%d", good, bad }' "$log/conformance-$accel.log")"
        passed=$((passed + good)) failed=$((failed + bad))
        [ $((good + bad)) -gt 0 ] || fail "riscv-tests did not run on $accel (log: $log/conformance-$accel.log)"
        printf 'riscv-tests on %s: %d passed, %d failed\n' "$accel" "$good" "$bad"
        grep FAILED "$log/conformance-$accel.log"
    done
}

rm -f "$log"/*.log "$log"/*.status
need_packages $build_packages $guest_packages
if [ "$mode" = quick ]; then
    need_packages libcmocka-dev
else
    need_packages $test_packages
fi
build_all
unit
style
guest
system
conformance
fuzz_all

printf 'took %d min\n' $((($(date +%s) - begun + 30) / 60))
[ "$skipped" = 0 ] || printf '%d skipped\n' "$skipped"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
