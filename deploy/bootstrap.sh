#!/bin/sh
# Makes .venv and installs requirements.lock into it: what `make setup` runs. Needs Python >= 3.11 and nothing else.
# Debian ships Python without ensurepip, so there are three ways to an environment; the first that works is taken.
set -eu

fail() {
    echo "make setup: $1" >&2
    exit 1
}

find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python >= 3.11 found; install one, or name it: make setup PYTHON=/path/to/python3"
}

make_environment() {
    "$1" -m venv .venv 2>/dev/null && return
    rm -rf .venv
    "$1" -m virtualenv -q .venv 2>/dev/null && return
    rm -rf .venv
    "$1" -m pip --version >/dev/null 2>&1 || fail "$1 has neither venv, virtualenv nor pip; on Debian: apt install python3-venv"
    "$1" -m venv --without-pip .venv && "$1" -m pip --python .venv/bin/python install -q pip
}

python=$(find_python)
[ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1 || make_environment "$python"
# The lock is whole, so nothing is resolved: pip would want "pydantic[email]" pinned beside "pydantic".
.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
