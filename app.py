"""Entry point of the page in this repository and on a Hugging Face Space.

python app.py [--host HOST] [--port PORT] [--model MODEL] [--compare-model MODEL] [--device DEVICE] [--mcp]
"""

import sys

from demo.launch import main

if __name__ == "__main__":
    sys.exit(main(prog="app.py"))
