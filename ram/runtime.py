"""Device, dtype, cache folder, progress callback, and atomic file writes.

Imports neither torch nor anything of the package, so that every layer may use it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import stat
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import torch
    from torch import nn

_log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Progress callback: what is being done, how much of it is done, how much there is."""

LARGE_MODEL = 50_000_000
"""Parameters from which "auto" takes bfloat16 on a CPU that multiplies it: Swin-L then needs half the time. The lite
models are left in float32: of 783 tags on 40 photos, bfloat16 changed 34."""


def quiet(what: str, done: int, total: int) -> None:
    """Progress callback that reports nothing."""


def cache_folder() -> Path:
    """Folder for downloads and computed files: ``ram`` under ``XDG_CACHE_HOME``, or under ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ram"


def find_device(name: str) -> torch.device:
    """Resolve a device name, in any case; "auto" is a GPU where there is one, else the CPU.

    Raises:
        InputError: the device cannot be used on this machine.
    """
    import torch

    from ram.errors import InputError

    kind = name.strip().lower()
    if kind == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(kind)
        torch.zeros(1, device=device).item()  # a device without values, such as "meta", cannot give one
    except Exception as error:  # each kind of device raises others
        _log.debug("device %s: %r", name, error)
        raise InputError(f"device {name!r} cannot be used here: {_why_not(kind)}") from None
    return device


def _why_not(device: str) -> str:
    """Why a device cannot be used and what to do, in our own words: PyTorch's are long and for its developers."""
    import torch

    kind, _, index = device.partition(":")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "cuda" and count and index.isdecimal():
        return f"this machine has {count} GPU{'s' if count > 1 else ''}, cuda:0" + (
            f" to cuda:{count - 1}" if count > 1 else ""
        )
    if kind == "cuda" and not torch.backends.cuda.is_built():
        return "the installed PyTorch has no CUDA; install one that has, or use cpu"
    if kind == "cuda":
        return "PyTorch finds no CUDA GPU; check the driver, or use cpu"
    if kind == "mps":
        return "it is the GPU of a Mac with an Apple chip; use auto or cpu"
    named = " or ".join(["auto", "cpu", *(["cuda"] if count else [])])
    return f"use {named}" + ("; an NVIDIA GPU is called cuda" if kind in ("gpu", "nvidia") else "")


def choose_dtype(name: str, model: nn.Module, device: torch.device) -> torch.dtype:
    """Resolve a dtype name; "auto" is float16 on a GPU, and on a CPU what :func:`fastest_dtype` says.

    Raises:
        InputError: no such dtype.
    """
    import torch

    from ram.errors import InputError

    if name == "auto":
        if device.type == "cpu":
            return fastest_dtype(model)
        return torch.float16 if device.type == "cuda" else torch.float32
    known = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
    if name not in known:
        raise InputError(f"dtype {name!r} is unknown: choose auto or one of {', '.join(known)}")
    return known[name]


def fastest_dtype(model: nn.Module) -> torch.dtype:
    """bfloat16 for a large model on a CPU that multiplies it, else float32."""
    import torch

    large = sum(weight.numel() for weight in model.parameters()) >= LARGE_MODEL
    return torch.bfloat16 if large and has_bfloat16() else torch.float32


def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware; without it, bfloat16 is slower than float32."""
    import torch

    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))


@contextlib.contextmanager
def atomic_write(path: str | Path, *, sync: bool = False) -> Iterator[Path]:
    """Write a file in one step: a break or a second writer never leaves half of it.

    The temporary name is unique, so that several processes may write the same target; the last one wins.

    Args:
        path: the file to replace.
        sync: wait until the content is on the disk before it takes the place of the old file.

    Yields:
        A temporary path in the same folder. On success it becomes ``path``; on an error it is removed.

    Raises:
        OSError: the disk is full, for instance; it names ``path``.
    """
    path = Path(path)
    temporary = None
    try:
        mode = _mode(path)
        temporary = _new_beside(path, 0o666 if mode is None else 0o600)
        yield temporary
        if mode is not None:
            temporary.chmod(mode)
        if sync:
            _flush_to_disk(temporary)
        temporary.replace(path)
        if sync:
            _flush_to_disk(path.parent)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if number := _system_error(error, temporary):
            raise OSError(number, os.strerror(number), str(path)) from error
        raise


def _system_error(error: BaseException, temporary: Path | None) -> int | None:
    """Number of an error of the system that is of the temporary file, or names none, as that of a full disk."""
    if isinstance(error, OSError):
        return error.errno if temporary is None or error.filename in (None, str(temporary)) else None
    found = re.search(r"\(os error (\d+)\)", str(error))  # of safetensors, which is written in Rust
    return int(found[1]) if found and isinstance(error, Exception) else None


def _new_beside(path: Path, mode: int) -> Path:
    """A new empty file of a unique name in the same folder, with these permissions as far as the umask grants them."""
    new = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}.partial"
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    return new


def _mode(path: Path) -> int | None:
    """Permissions of a file; None where there is none."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def lock(file: int | BinaryIO, shared: bool = False) -> bool:
    """Keep other runs from a file or folder until it is closed; False where one has it. Windows has no such lock.

    Args:
        file: opened.
        shared: hold it together with others that share it.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _flush_to_disk(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
