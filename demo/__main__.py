"""Serve the page from an installed package: `python -m demo`."""

import sys

from demo.launch import main

if __name__ == "__main__":
    sys.exit(main())
