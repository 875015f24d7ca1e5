"""The published models by name: fetched once, with names, thresholds and descriptions, converted and kept."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from filelock import AcquireReturnProxy, FileLock, Timeout

from ram.checkpoints.download import CHECKPOINTS, HubFile, fetch, fetch_text, held_already
from ram.checkpoints.official import convert_official
from ram.errors import CheckpointError, DownloadError
from ram.models.config import VARIANTS, ModelConfig
from ram.runtime import Progress, quiet
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary, make_unique

_log = logging.getLogger(__name__)

DESCRIPTIONS = HubFile(
    "xinyu1205/recognize-anything-plus-model-tag-descriptions",
    "ram_tag_list_4585_llm_tag_descriptions.json",
    "dataset",
)
LISTS = (
    "https://raw.githubusercontent.com/xinyu1205/recognize-anything/7cb804a8609e9f4b1a50b7f31436d2df40bb9481/ram/data"
)
"""Names, thresholds and translations, at a commit: they are plain facts, but not ours to pass on."""
TAGS = 4585
LEARNED_TAGS = 3429
"""Of Tag2Text, whose thresholds stand in the official code: one for all but these, by position."""
LEARNED_THRESHOLD = 0.68
LEARNED_THRESHOLDS = {
    **dict.fromkeys((1167, 2701, 2828), 0.7),  # woman, person, man
    **dict.fromkeys((127, 2961, 3265, 3338, 3351, 3355, 3359), 1.0),  # never shown: quarter, back, numbers
}


def fetch_model(name: str, cache: Path, progress: Progress = quiet) -> Path:
    """The model folder of a published model, made on first use and kept under ``cache``.

    The official file is removed once it is converted, unless it was in the hub's own cache before: it holds more than
    half its gigabytes for an optimizer.

    Raises:
        CheckpointError: the file cannot be fetched or is not what its name says.
    """
    folder, downloads = cache / "models" / name, cache / "downloads"
    if (folder / "config.json").is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_suffix(".lock"), progress, f"waiting for another process that fetches {name}"):
        if (folder / "config.json").is_file():
            return folder
        try:
            held = held_already(CHECKPOINTS[name])
            vocabulary, descriptions = fetch_lists(VARIANTS[name], downloads, progress)
            file = held or fetch(CHECKPOINTS[name], downloads, progress)
        except DownloadError as error:
            raise CheckpointError(f"{name} is not here yet: {error}") from None
        progress(f"converting {file.name}", 0, 1)
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        convert_official(file, partial, variant=name, vocabulary=vocabulary, descriptions=descriptions)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
        if held is None:
            shutil.rmtree(file.parent)
        _log.info("%s is kept in %s", name, folder)
    return folder


def _alone(lock: Path, progress: Progress, waiting: str) -> AcquireReturnProxy:
    """A context in which no other process is; one that ends in whatever way lets the next one in."""
    held = FileLock(lock)
    while True:
        try:
            return held.acquire(timeout=1)
        except Timeout:
            progress(waiting, 0, 1)


def fetch_lists(config: ModelConfig, kept: Path, progress: Progress = quiet) -> tuple[TagVocabulary, TagDescriptions]:
    """The official tags of a published model and their descriptions, kept for the next time.

    Raises:
        DownloadError: they cannot be had.
    """
    vocabulary = fetch_vocabulary(config, kept)
    return vocabulary, fetch_descriptions(config, vocabulary, kept, progress)


def fetch_vocabulary(config: ModelConfig, kept: Path) -> TagVocabulary:
    """Names, thresholds and Chinese names of the 4,585 tags, from ``kept`` or the official repository; of Tag2Text its
    own 3,429, which have no Chinese names. Repeated names are numbered: "train", "train (2)".

    Raises:
        DownloadError: a list cannot be had, or is not of that many lines.
    """
    try:
        if config.learned:
            names = _lines("tag2text_ori_tag_list.txt", kept, LEARNED_TAGS)
            own = tuple(LEARNED_THRESHOLDS.get(position, LEARNED_THRESHOLD) for position in range(len(names)))
            return TagVocabulary(make_unique(names), own)
        names, thresholds, translations = (
            _lines(f"ram_tag_list{which}.txt", kept, TAGS) for which in ("", "_threshold", "_chinese")
        )
        return TagVocabulary(make_unique(names), tuple(map(float, thresholds)), tuple(translations))
    except DownloadError:
        raise
    except ValueError as error:
        raise DownloadError(f"the official tag lists cannot be used: {error}") from None


def fetch_descriptions(
    config: ModelConfig, vocabulary: TagVocabulary, kept: Path, progress: Progress = quiet
) -> TagDescriptions:
    """The official sentences of each tag; of RAM's and Tag2Text's tags there is nothing but their names.

    Raises:
        DownloadError: they cannot be had, or are not as many as the bank has.
    """
    if config.max_descriptions == 1:
        return TagDescriptions({tag: (tag,) for tag in vocabulary.tags})
    try:
        described = TagDescriptions.load(fetch(DESCRIPTIONS, kept, progress))
    except DownloadError:
        raise
    except ValueError as error:
        raise DownloadError(f"the official descriptions cannot be used: {error}") from None
    entries = list(described.values())
    counts = {len(texts) for texts in entries}
    if len(entries) != len(vocabulary) or len(counts) != 1:
        raise DownloadError(
            f"{DESCRIPTIONS.name} holds {len(entries)} tags, of {sorted(counts)} descriptions, for {len(vocabulary)} "
            "tags: convert the checkpoint with `ram convert --descriptions` and a file that fits"
        )
    return TagDescriptions(dict(zip(vocabulary.tags, entries, strict=True)))  # by position, as the bank


def _lines(name: str, kept: Path, tags: int) -> Sequence[str]:
    file = kept / name
    held = file.is_file()
    text = file.read_text(encoding="utf-8") if held else fetch_text(f"{LISTS}/{name}")
    lines = [line.strip() for line in text.splitlines()]
    if len(lines) != tags:
        raise DownloadError(f"{name} has {len(lines)} lines and not {tags}: it is not the official list")
    if not held:
        kept.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{name}.partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)  # in one step: half a list would be refused from then on
    return lines
