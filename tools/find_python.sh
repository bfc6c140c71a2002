#!/bin/sh
# Prints the path of a Python of the version, such as 3.13; fails if there is none. Each candidate
# is run: a shim of pyenv may exist without its Python. pyenv's own folder is searched as well, since
# its shims only reach the versions that are switched on.
for candidate in "$(command -v "python$1")" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
    if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
        echo "$candidate"
        exit 0
    fi
done
exit 1
