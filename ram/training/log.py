"""Learning curves: a line of JSON for every measurement, and TensorBoard where it is installed."""

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
    """Appends to ``log.jsonl`` below a folder, and to its ``tensorboard/``; use it as a context.

    Args:
        folder: of the run.
        length: bytes of the file that count; what an interrupted run wrote after them is dropped.
        step: the first to come.
    """

    def __init__(self, folder: Path, length: int = 0, step: int = 0) -> None:
        path = folder / "log.jsonl"
        path.touch()
        self._file = open(path, "r+b")  # noqa: SIM115  (closed at the end of the context)
        self._file.truncate(length)
        self._file.seek(0, os.SEEK_END)
        self._board = _board(folder / "tensorboard", step)

    def add(self, at: int, **record: Any) -> None:
        """One line; its numbers, in six digits, are points at step ``at`` on curves named after them."""
        record = {name: float(f"{v:.6g}") if isinstance(v, float) else v for name, v in record.items()}
        self._file.write((json.dumps(record) + "\n").encode())
        self._file.flush()
        if self._board is not None:
            kind = "step" if "step" in record else "epoch"
            for name, value in record.items():
                if isinstance(value, float):
                    self._board.add_scalar(f"{kind}/{name}", value, at)

    def length(self) -> int:
        """Bytes that are safe on the disk."""
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
        _log.info("no curves for TensorBoard, which is not installed (part of ram[train]): log.jsonl has them all")
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=step)
