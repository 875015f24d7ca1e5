"""Learning curves as lines of JSON, and for TensorBoard where it is installed."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
from pathlib import Path
from types import TracebackType
from typing import Any

_log = logging.getLogger(__name__)


class LearningCurve:
    """Append records to ``log.jsonl`` and ``tensorboard/`` of a run; a context manager.

    Args:
        folder: folder of the run.
        length: bytes of the file to keep; what an interrupted run wrote after them is dropped.
        step: the first step to come.
    """

    def __init__(self, folder: Path, length: int = 0, step: int = 0) -> None:
        path = folder / "log.jsonl"
        path.touch()
        self._file = open(path, "r+b")  # noqa: SIM115  (closed at the end of the context)
        self._file.truncate(length)
        self._file.seek(0, os.SEEK_END)
        self._board = _board(folder / "tensorboard", step)

    def add(self, at: int, **record: Any) -> None:
        """Write a record as one line, and its numbers as points of curves at step ``at``; six digits are kept."""
        record = {name: float(f"{v:.6g}") if isinstance(v, float) else v for name, v in record.items()}
        self._file.write((json.dumps(record) + "\n").encode())
        self._file.flush()
        if self._board is not None:
            kind = "step" if "step" in record else "epoch"
            for name, value in record.items():
                if isinstance(value, float):
                    self._board.add_scalar(f"{kind}/{name}", value, at)

    def length(self) -> int:
        """Return how many bytes are on the disk, after waiting for them."""
        os.fsync(self._file.fileno())
        return self._file.tell()

    def __enter__(self) -> LearningCurve:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()


def _board(folder: Path, step: int) -> Any:
    if importlib.util.find_spec("tensorboard") is None:
        _log.info("TensorBoard is not installed (part of ram[train]): the learning curves are in log.jsonl alone")
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=step)
