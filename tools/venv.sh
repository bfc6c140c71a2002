#!/bin/sh
# Makes a virtual environment: venv.sh PYTHON FOLDER. Debian's python3 comes without ensurepip (package
# python3-venv); then pip's own wheel, from the package index, puts pip in.
set -eu
python=$1
venv=$2
if [ -z "$python" ]; then
    echo "FFmpeg Micro needs Python 3.11 to 3.14, and none was found on PATH." >&2
    echo "  Debian/Ubuntu: apt install python3      macOS: brew install python@3.12" >&2
    echo "  Or name one: make demo PYTHON=/path/to/python3.12" >&2
    exit 1
fi
if [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi
echo "making $venv with $($python --version) and installing what is pinned (a minute or two)"
rm -rf "$venv"
if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv "$venv"
else
    "$python" -m venv --without-pip "$venv"
    "$venv/bin/python" tools/get_pip.py
fi
