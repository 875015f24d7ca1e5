"""Published models: fetched once, with names, thresholds and descriptions, then converted."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from filelock import AcquireReturnProxy, FileLock, Timeout

from ram.checkpoints.download import fetch, fetch_text, find_cached, sha256_of
from ram.checkpoints.official import convert_official
from ram.checkpoints.registry import CONFIG, LISTS_URL, PUBLISHED, HubFile, PublishedModel, TagLists
from ram.errors import CheckpointError, DownloadError
from ram.runtime import Progress, atomic_write, quiet
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary, make_unique

_log = logging.getLogger(__name__)


def fetch_model(name: str, cache: Path, progress: Progress = quiet) -> Path:
    """The model folder of a published model, made on first use under ``cache``.

    The official file is removed once it is converted, unless it was in the hub's own cache before: more than half of
    its gigabytes are an optimizer's.

    Raises:
        CheckpointError: the file cannot be fetched or is not what its name says.
    """
    folder, downloads, model = cache / "models" / name, cache / "downloads", PUBLISHED[name]
    if (folder / CONFIG).is_file():
        return folder
    if model.file is None:
        raise CheckpointError(f"{name} cannot be fetched: convert its official checkpoint with `ram convert`")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_suffix(".lock"), progress, f"waiting for another process that fetches {name}"):
        if (folder / CONFIG).is_file():
            return folder
        wanted = _with_digest(model.file, downloads)
        try:
            cached = find_cached(wanted)
            vocabulary, descriptions = fetch_lists(name, downloads, progress)
            file = cached or fetch(wanted, downloads, progress)
            _record_digest(wanted, file, downloads, progress)
        except DownloadError as error:
            raise CheckpointError(f"{name} is not here yet: {error}") from None
        progress(f"converting {file.name}", 0, 1)
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        convert_official(file, partial, variant=name, vocabulary=vocabulary, descriptions=descriptions)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
        if cached is None:
            shutil.rmtree(file.parent)
        _log.info("%s was converted into %s", name, folder)
    return folder


def fetch_lists(name: str, cache: Path, progress: Progress = quiet) -> tuple[TagVocabulary, TagDescriptions]:
    """The official tags of a published model and their descriptions, from ``cache`` or the network.

    Raises:
        DownloadError: they cannot be had.
    """
    model = PUBLISHED[name]
    vocabulary = fetch_vocabulary(model, cache)
    return vocabulary, fetch_descriptions(model, vocabulary, cache, progress)


def fetch_vocabulary(model: PublishedModel, cache: Path) -> TagVocabulary:
    """Names, thresholds and translations of a published model's tags, from ``cache`` or the official repository.

    Repeated names are numbered: "train", "train (2)".

    Raises:
        DownloadError: a list cannot be had, or does not have one line per tag.
    """
    lists = model.lists
    try:
        names, translations = fetch_names(lists, cache)
        if lists.thresholds:
            thresholds = tuple(map(float, _lines(lists.thresholds, lists, cache)))
        else:
            thresholds = tuple(lists.exceptions.get(index, lists.threshold) for index in range(lists.count))
        return TagVocabulary(names, thresholds, translations)
    except DownloadError:
        raise
    except ValueError as error:
        raise DownloadError(f"the official tag lists cannot be used: {error}") from None


def fetch_names(lists: TagLists, cache: Path, advice: str = "") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and translations, where there are any, of official tags, from ``cache`` or the official repository.

    Args:
        lists: the files.
        cache: folder where they are stored.
        advice: what a person may do without a network; as for :func:`ram.checkpoints.download.fetch_text`.

    Raises:
        DownloadError: a list cannot be had, is not the pinned one, or does not have one line per tag.
    """
    names = make_unique(_lines(lists.names, lists, cache, advice))
    return names, tuple(_lines(lists.translations, lists, cache, advice)) if lists.translations else ()


def fetch_descriptions(
    model: PublishedModel, vocabulary: TagVocabulary, cache: Path, progress: Progress = quiet
) -> TagDescriptions:
    """The official sentences of each tag, or only its name where there are none.

    Raises:
        DownloadError: they cannot be had, or are not as many as the bank has.
    """
    if model.descriptions is None:
        return TagDescriptions({tag: (tag,) for tag in vocabulary.tags})
    try:
        described = TagDescriptions.load(fetch(model.descriptions, cache, progress))
    except DownloadError:
        raise
    except ValueError as error:
        raise DownloadError(f"the official descriptions cannot be used: {error}") from None
    entries = list(described.values())
    counts = {len(texts) for texts in entries}
    if len(entries) != len(vocabulary) or len(counts) != 1:
        raise DownloadError(
            f"{model.descriptions.name} holds {len(entries)} tags, of {sorted(counts)} descriptions, for "
            f"{len(vocabulary)} tags: convert the checkpoint with `ram convert --descriptions` and a file that fits"
        )
    return TagDescriptions(dict(zip(vocabulary.tags, entries, strict=True)))  # by index, like the bank


def _with_digest(file: HubFile, downloads: Path) -> HubFile:
    """The file with the digest of its first download, where none is pinned and there was one."""
    record = _digest_record(file, downloads)
    return file if file.sha256 or not record.is_file() else replace(file, sha256=record.read_text().strip())


def _record_digest(file: HubFile, downloaded: Path, downloads: Path, progress: Progress) -> None:
    if not file.sha256:
        downloads.mkdir(parents=True, exist_ok=True)
        with atomic_write(_digest_record(file, downloads)) as temporary:
            temporary.write_text(sha256_of(downloaded, progress) + "\n")


def _digest_record(file: HubFile, downloads: Path) -> Path:
    return downloads / f"{file.name}.sha256"


def _alone(lock: Path, progress: Progress, waiting: str) -> AcquireReturnProxy:
    """A context in which no other process is; it ends with the process too."""
    file_lock = FileLock(lock)
    while True:
        try:
            return file_lock.acquire(timeout=1)
        except Timeout:
            progress(waiting, 0, 1)


def _lines(name: str, lists: TagLists, cache: Path, advice: str = "") -> Sequence[str]:
    """The lines of an official list, one per tag; it is stored in ``cache``, and fetched again if it changed there."""
    file = cache / name
    if file.is_file():
        lines = _stripped(file.read_text(encoding="utf-8", errors="replace"))
        if not _fault(name, lines, lists):
            return lines
    text = fetch_text(f"{LISTS_URL}/{name}", advice=advice)
    lines = _stripped(text)
    if fault := _fault(name, lines, lists):
        raise DownloadError(f"{name} {fault}: it is not the official list")
    cache.mkdir(parents=True, exist_ok=True)
    with atomic_write(file) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return lines


def _stripped(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def _fault(name: str, lines: Sequence[str], lists: TagLists) -> str:
    """Describe how a list differs from the official one; empty if it does not."""
    if len(lines) != lists.count:
        return f"has {len(lines)} lines and not {lists.count}"
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    pinned = lists.digests.get(name, digest)
    return "" if digest == pinned else f"arrived with digest {digest[:12]}... and not {pinned[:12]}..."
