"""Process of the local language model: serve a GGUF file on loopback for as long as standard input is open.

Runs as a script. The first line of standard input holds the settings as JSON; the address is the first line of output.
It imports nothing of ram, so that it starts at once, wherever the package lies.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time


def main() -> None:
    """Serve until standard input closes or the parent process is gone."""
    sys.path.pop(0)  # the folder of this script: its modules must not hide others of the same name
    settings = json.loads(sys.stdin.readline())
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nobody reads what the server may print later
    threading.Thread(target=_end_with_input, daemon=True).start()
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["weights"]
    params.hostnames, params.port, params.api_keys = ["127.0.0.1"], 0, [settings["key"]]
    params.n_ctx, params.n_parallel = settings["context"], 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.warmup = params.ui = False
    server = xllamacpp.Server(params)
    print(server.listening_address, file=output, flush=True)
    output.close()
    while os.name != "posix" or os.getppid() == settings["parent"]:  # a fork of the parent may keep the pipe open
        time.sleep(1)
    os._exit(0)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
