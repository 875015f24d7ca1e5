"""Errors for people: each message is one sentence that says what was wrong and what to do.

The command line and the page catch :class:`RamError` and nothing wider, so that a programming error stays
visible as one.
"""

from __future__ import annotations


class RamError(Exception):
    """Base of all errors whose message is meant for the person at the keyboard."""


class InputError(RamError, ValueError):
    """A value, file or setting that a person gave cannot be used."""


class ImageError(InputError):
    """An image cannot be used: missing, broken, too large, or of an unknown format."""


class ImageTypeError(ImageError, TypeError):
    """A value of a type that is no image."""


class ArchiveError(ImageError):
    """A zip archive of images cannot be used."""


class PackError(InputError):
    """A tag pack is broken, too large, or made for another text encoder."""


class CheckpointError(InputError):
    """A model cannot be loaded; the message names the file."""


class DownloadError(RamError, ValueError):
    """A file cannot be fetched: no network, no such file, no space, or not the published content."""


class TextEncoderError(RamError, RuntimeError):
    """A text encoder cannot be had, or the model reads no texts."""


class DescriberError(RamError, RuntimeError):
    """A describer cannot describe; another one may take over."""


class MissingKeyError(DescriberError):
    """A language model is asked for without its API key."""


class TeacherError(RamError, RuntimeError):
    """A teacher of the distillation loss cannot be had."""


class TrainingError(RamError, RuntimeError):
    """A training run cannot go on."""


class MissingPackageError(RamError, ImportError):
    """An optional package is not installed; the message names the extra."""


class WorkerError(RamError, ChildProcessError):
    """A worker process was ended from outside."""
