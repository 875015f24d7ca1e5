"""Benchmarks: images annotated with tags, read in three forms and compared with scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ram.errors import InputError
from ram.evaluation.metrics import Floats, Rates, average_precisions, rates
from ram.evaluation.pictures import sound_pictures
from ram.evaluation.tuned_rates import TunedRates, tuned_rates
from ram.images.folders import find_images
from ram.text.files import listed_path, read_json, read_lines
from ram.text.vocabulary import TagVocabulary


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Annotated images.

    Args:
        name: name to use in tables.
        tags: (tags,) the evaluated tags. A tag listed twice is two columns, as in official benchmarks where two classes
            share a name.
        pictures: (images,) files.
        targets: (images, tags) booleans.
        known: (images, tags) booleans, false where nobody knows whether the image has the tag: such a decision does not
            count. All are known where None.
    """

    name: str
    tags: tuple[str, ...]
    pictures: tuple[Path, ...]
    targets: NDArray[np.bool_] = field(repr=False)
    known: NDArray[np.bool_] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        targets = np.array(self.targets, dtype=bool)
        if targets.shape != (len(self.pictures), len(self.tags)) or not targets.size:
            raise InputError(
                f"benchmark {self.name} has {len(self.pictures)} pictures and {len(self.tags)} tags, "
                f"but targets of shape {targets.shape}: it needs some of each, and one target for every pair"
            )
        if self.known is not None:
            known = np.array(self.known, dtype=bool)
            if known.shape != targets.shape:
                raise InputError(f"benchmark {self.name}: known {known.shape} and targets {targets.shape} differ")
            known.setflags(write=False)
            object.__setattr__(self, "known", known)
            targets &= known
        targets.setflags(write=False)
        object.__setattr__(self, "targets", targets)


def load_benchmark(
    path: str | Path, images: str | Path | None = None, vocabulary: TagVocabulary | None = None
) -> Benchmark:
    """Read a benchmark in one of three forms.

    - A JSON file ``[{"image": "images/1.jpg", "tags": ["dog", "beach"]}, ...]``. Images are relative to the file, or
      to ``images``. The evaluated tags are the lines of ``tags.txt`` beside it, or all that occur.
    - Triplets ``[{"image_path": "1.jpg", "union_label_id": [3, ...], ...}, ...]``, with the ids of ``vocabulary``;
      otherwise like the first form.
    - A folder in the official layout: ``*_taglist.txt`` (one tag per line), ``*_annots.txt`` (``image,tag,tag`` per
      line, file names without suffix) and the images in ``imgs/``, or in ``images``.

    Raises:
        InputError: a part is missing or malformed, or a tag is not in the list.
        ImageError: images are missing or their headers are unreadable; the message names them.
    """
    path = Path(path)
    if path.is_dir():
        return _read_official(path, path / "imgs" if images is None else Path(images))
    return _read_json(path, path.parent if images is None else Path(images), vocabulary)


@dataclass(frozen=True, eq=False)
class Report:
    """Results of a benchmark.

    Args:
        tags: (tags,) as in the benchmark.
        pictures: number of images.
        positives: (tags,) number of images with the tag.
        predefined: (tags,) True where the tag is in the vocabulary, False where it was only described.
        thresholds: (tags,) what a score had to exceed.
        average_precisions: (tags,) NaN without a positive.
        rates: precision and recall, per tag and averaged.
        tuned: the same at one threshold for all tags that was chosen on these images; None where none was asked for.
    """

    tags: tuple[str, ...]
    pictures: int
    positives: NDArray[np.int_]
    predefined: NDArray[np.bool_]
    thresholds: Floats
    average_precisions: Floats
    rates: Rates
    tuned: TunedRates | None = None

    def mean_average_precision(self, which: NDArray[np.bool_] | None = None) -> float | None:
        """Return the mean over the tags with a positive, of all or of ``which`` (tags,); None without any."""
        kept = self.average_precisions if which is None else self.average_precisions[which]
        return None if np.isnan(kept).all() else float(np.nanmean(kept))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, fractions in 0..1; None for tags without a positive."""
        columns = {
            "AP": self.average_precisions,
            "precision": self.rates.precision,
            "recall": self.rates.recall,
            "F1": self.rates.f1,
        }
        return {
            "pictures": self.pictures,
            "mAP": self.mean_average_precision(),
            "mAP_predefined": self.mean_average_precision(self.predefined),
            "mAP_described": self.mean_average_precision(~self.predefined),
            **self.rates.averages(),
            **({} if self.tuned is None else {"tuned": self.tuned.to_dict()}),
            "predefined_tags": int(self.predefined.sum()),
            "described_tags": int((~self.predefined).sum()),
            "tags_without_positive": int((self.positives == 0).sum()),
            "per_tag": [
                {
                    "tag": tag,
                    **{name: float(of[i]) if self.positives[i] else None for name, of in columns.items()},
                    "threshold": float(self.thresholds[i]),
                    "positives": int(self.positives[i]),
                    "predefined": bool(self.predefined[i]),
                }
                for i, tag in enumerate(self.tags)
            ],
        }


def evaluate(
    scores: ArrayLike,
    benchmark: Benchmark,
    thresholds: ArrayLike = 0.5,
    predefined: ArrayLike = True,
    tune: str | None = None,
) -> Report:
    """Compare scores with the annotations.

    Args:
        scores: (images, tags) in the benchmark's order.
        benchmark: the annotations.
        thresholds: (tags,), or one for all; a tag is predicted where its score is greater.
        predefined: (tags,), or one for all; see :class:`Report`.
        tune: goal of a threshold that all tags share, see :func:`ram.evaluation.tuned_rates.tuned_rates`.

    Raises:
        InputError: no tag has a positive, or ``tune`` is no goal.
        ValueError: the shapes do not fit, or a score is NaN.
    """
    measured = rates(scores, benchmark.targets, thresholds, benchmark.known)
    tags = len(benchmark.tags)
    return Report(
        tags=benchmark.tags,
        pictures=len(benchmark.pictures),
        positives=benchmark.targets.sum(0),
        predefined=np.broadcast_to(np.asarray(predefined, dtype=bool), tags),
        thresholds=np.broadcast_to(np.asarray(thresholds, dtype=np.float64), tags),
        average_precisions=average_precisions(scores, benchmark.targets, benchmark.known),
        rates=measured,
        tuned=None if tune is None else tuned_rates(scores, benchmark.targets, tune, benchmark.known),
    )


def _read_json(file: Path, images: Path, vocabulary: TagVocabulary | None) -> Benchmark:
    entries = read_json(file)
    if not isinstance(entries, list):
        raise InputError(f'{file.name} must be a list of {{"image": ..., "tags": [...]}}')
    if vocabulary is not None and any(isinstance(entry, dict) and "image_path" in entry for entry in entries[:1]):
        entries = [_named(entry, vocabulary, f"entry {n} of {file.name}") for n, entry in enumerate(entries, 1)]
    for number, entry in enumerate(entries, 1):
        if not _is_annotation(entry):
            raise InputError(
                f'entry {number} of {file.name} is not {{"image": "name", "tags": ["tag", ...]}}'
            )
    annotations = [entry["tags"] for entry in entries]
    listed = file.parent / "tags.txt"
    tags = read_lines(listed) if listed.exists() else sorted({tag for tags in annotations for tag in tags})
    names = [entry["image"] for entry in entries]
    pictures = {name: listed_path(images, name) for name in names}
    targets = _targets(names, annotations, tags, file.name, listed.name)
    return Benchmark(file.stem, tuple(tags), sound_pictures(names, pictures, file.stem), targets)


def _read_official(folder: Path, images: Path) -> Benchmark:
    taglist, annotated = _only(folder, "*_taglist.txt"), _only(folder, "*_annots.txt")
    if not images.is_dir():
        raise InputError(f"{folder.name} has no folder of pictures {images.name}: name it with --images")
    tags = read_lines(taglist)
    rows = [[part.strip() for part in line.split(",")] for line in read_lines(annotated)]
    names, annotations = [row[0].replace("\\", "/") for row in rows], [[tag for tag in row[1:] if tag] for row in rows]
    targets = _targets(names, annotations, tags, annotated.name, taglist.name)
    pictures: dict[str, Path] = {}
    for file in reversed(find_images([images])):  # of a.jpg and a.png, "a" is the first
        relative = file.relative_to(images)
        pictures |= {relative.with_suffix("").as_posix(): file, relative.as_posix(): file}
    return Benchmark(folder.name, tuple(tags), sound_pictures(names, pictures, folder.name), targets)


def _named(triplet: Any, vocabulary: TagVocabulary, where: str) -> dict[str, Any]:
    """Convert a triplet to an entry with the names of its tags."""
    fields = triplet if isinstance(triplet, dict) else {}
    picture, ids = fields.get("image_path"), fields.get("union_label_id")
    if not isinstance(picture, str) or not isinstance(ids, list) or not all(type(id_) is int for id_ in ids):
        raise InputError(f'{where} is not {{"image_path": "name", "union_label_id": [0, ...]}}')
    if outside := [id_ for id_ in ids if not 0 <= id_ < len(vocabulary)]:
        raise InputError(f"{where} has the tag id {outside[0]}, but the model has {len(vocabulary)} tags")
    return {"image": picture, "tags": [vocabulary.tags[id_] for id_ in ids]}


def _targets(
    names: Sequence[str], annotations: Sequence[Sequence[str]], tags: Sequence[str], where: str, listed: str
) -> NDArray[np.bool_]:
    columns: dict[str, list[int]] = {}
    for column, tag in enumerate(tags):
        columns.setdefault(tag, []).append(column)
    targets = np.zeros((len(names), len(tags)), dtype=bool)
    for row, annotation in enumerate(annotations):
        for tag in annotation:
            if tag not in columns:
                raise InputError(
                    f"{where} gives {names[row]} the tag {tag!r}, which is not in {listed}: correct either"
                )
            targets[row, columns[tag]] = True
    return targets


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise InputError(f"benchmark folder {folder.name} must hold one file {pattern}, but holds {names}")
    return found[0]


def _is_annotation(entry: Any) -> bool:
    if not (isinstance(entry, dict) and isinstance(entry.get("image"), str)):
        return False
    tags = entry.get("tags")
    return isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)
