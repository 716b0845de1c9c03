# Sourced by the two commands of the README: finds a Python that is new enough and makes .venv once.
VENV=${ICAFORM_VENV:-.venv}
if [ ! -x "$VENV/bin/python" ]; then
  for python in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      "$python" -m venv "$VENV"
      break
    fi
  done
fi
if [ ! -x "$VENV/bin/python" ]; then
  echo "icaform needs Python 3.11 or newer with venv; set PYTHON to one" >&2
  exit 1
fi
