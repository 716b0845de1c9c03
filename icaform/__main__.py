"""``python -m icaform``."""

from icaform.cli import main

main()
