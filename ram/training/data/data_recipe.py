"""What a run learns from: the ``[data]`` part of a recipe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataRecipe:
    """What to learn from; paths are relative to the data folder that ``ram train --data`` names.

    Args:
        triplets: files in the official form, as ``ram parse`` writes them.
        pictures: one folder a triplet file, to which its picture paths are relative; then one a file of ``labels``,
            or none where the pictures lie beside it.
        vocabulary: CSV file of tags; "shipped" is the label system in the package, "own" the tags of ``labels``,
            "shipped+own" both.
        descriptions: JSON of descriptions a tag; "shipped" for ours (the lexicon's for tags that are not ours),
            "lexicon" for the lexicon's alone, "template" for one sentence a tag.
        plain_prompt: begin the descriptions of each tag with "a photo of a ...". The sentence fits every photo of the
            tag, so that re-weighting learns to choose nothing else.
        incomplete: those of ``triplets`` in which a tag may be there although it is not listed.
        dev: triplet file and folder measured after each epoch, or empty.
        dev_share: share of the pictures that is held out in place of ``dev``.
        views: pictures are seen in this many crops by a frozen backbone.
        shards: patterns of WebDataset tar files, such as "train-{0000..0999}.tar" or "disk*/*.tar".
        labels: a user's own labels: CSV files, COCO instances or folders, see
            :func:`ram.training.data.own_labels.read_own_labels`; "." is the data folder.
        workers: processes that open pictures; 0 leaves it to the one that trains. The result is the same.
        shuffle_buffer: pictures of shards are shuffled among so many that follow each other, and the shards themselves.
    """

    triplets: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    vocabulary: str = "shipped"
    descriptions: str = "shipped"
    plain_prompt: bool = True
    incomplete: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()
    dev_share: float = 0.0
    views: int = 1
    shards: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    workers: int = 0
    shuffle_buffer: int = 20_000

    def __post_init__(self) -> None:
        files, folders = len(self.triplets), len(self.pictures)
        if not (self.triplets or self.shards or self.labels):
            raise ValueError("data names no triplets, shards or labels: give at least one of them")
        if folders not in (files, files + len(self.labels)):
            raise ValueError(
                f"data.triplets names {files} files and data.pictures {folders} folders: give one folder for each, "
                "and then one for each of data.labels, or none"
            )
        if unknown := sorted(set(self.incomplete) - set(self.triplets)):
            raise ValueError(f"data.incomplete names {unknown[0]!r}, which is none of data.triplets")
        if self.views < 1:
            raise ValueError(f"data.views is {self.views}: it must be at least 1")
        if self.workers < 0:
            raise ValueError(f"data.workers is {self.workers}: it must not be negative")
        if self.shuffle_buffer < 1:
            raise ValueError(f"data.shuffle_buffer is {self.shuffle_buffer}: it must be at least 1")
        if len(self.dev) not in (0, 2):
            raise ValueError(f"data.dev is {list(self.dev)}: it must be a triplet file and its pictures folder")
        if not 0 <= self.dev_share < 1:
            raise ValueError(f"data.dev_share is {self.dev_share}: it must be at least 0 and under 1")
        if self.dev and self.dev_share:
            raise ValueError("data.dev and data.dev_share are both given: hold out by one of them")
        if self.vocabulary in ("own", "shipped+own") and not self.labels:
            raise ValueError(f"data.vocabulary is {self.vocabulary!r}: it is made of data.labels, which name nothing")
