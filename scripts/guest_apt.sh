# scripts/guest_apt.sh - apt for riscv64 with a state of its own below the cache folder, so that the
# host's is not touched; signatures are checked as always. Sourced after lib.sh.
apt_dir=$cache/apt
apt_options=(-o "Dir::State=$apt_dir/state" -o "Dir::State::status=$apt_dir/state/status"
    -o "Dir::Cache=$apt_dir/cache" -o "Dir::Etc::sourcelist=$apt_dir/sources.list"
    -o Dir::Etc::sourceparts=- -o APT::Architecture=riscv64
    -o APT::Architectures=riscv64 -o Acquire::Languages=none -o APT::Sandbox::User=root
    -o Acquire::Retries=3 -qq)

# The mirror this host installs from: the one the user chose and can reach.
mirror() {
    local uri
    uri=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(RELEASE)' 'Created-By: Packages' \
        'Origin: Debian' 2>/dev/null | awk '$2 == "main" && $3 !~ /(security|updates|backports)/ {print $1; exit}')
    [ -n "$uri" ] || die "apt has no Debian archive in its sources; add one and run apt-get update"
    printf '%s' "$uri"
}

keyring() {
    local file
    for file in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
        [ -f "$file" ] && { printf '%s' "$file"; return; }
    done
    die "no keyring of the Debian archive; install debian-archive-keyring"
}

apt_setup() {
    [ -f "$apt_dir/ready" ] && return
    mkdir -p "$apt_dir"/state/lists/partial "$apt_dir"/cache/archives/partial
    touch "$apt_dir/state/status"
    echo "deb [arch=riscv64 signed-by=$(keyring)] $(mirror) $suite main" >"$apt_dir/sources.list"
    apt-get "${apt_options[@]}" update >&2 || die "cannot read the package lists of $suite for riscv64"
    touch "$apt_dir/ready"
}
