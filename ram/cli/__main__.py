"""``python -m ram.cli``: the command line without the installed script."""

import sys

from ram.cli import main

sys.exit(main())
