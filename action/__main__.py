"""Entered as ``python -I path/to/action``, so that nothing of the caller's checkout is imported."""

import sys
from pathlib import Path

# Python put this folder first; what is imported is the package that it is.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from action.run import main  # noqa: E402 - only now can it be found

sys.exit(main())
