"""Captioning: a caption of every image of a data set, compared with those that people wrote."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from ram.backends import captioner_of
from ram.caption_reranking import best_captions
from ram.errors import ImageError
from ram.evaluation.caption_metrics import CaptionScores, check_metrics, score_captions
from ram.evaluation.pictures import unusable
from ram.evaluation.retrieval import CaptionedPictures
from ram.runtime import Progress, quiet
from ram.tagger import Tagger


@dataclass(frozen=True)
class CaptionReport:
    """Captions of a data set with their scores.

    Args:
        captions: (images,) sentences.
        scores: of all of them together.
        seconds: time to read the images and write the captions.
    """

    captions: tuple[str, ...]
    scores: CaptionScores
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Scores by name, and the time of an image in seconds."""
        return {**self.scores.to_dict(), "seconds_per_photo": round(self.seconds / len(self.captions), 4)}


def evaluate_captions(
    tagger: Tagger,
    captioned: CaptionedPictures,
    beams: int = 3,
    tokenizer: str | None = None,
    progress: Progress = quiet,
    judge: Tagger | None = None,
) -> CaptionReport:
    """Write a caption of every image, guided by the tags that the model finds, and score all of them.

    Args:
        tagger: of a model with a captioner.
        captioned: images with their references.
        beams: of the beam search; 1 is greedy.
        tokenizer: see :func:`ram.evaluation.caption_metrics.score_captions`.
        progress: called with what is being done, how much of it is done, and how much there is.
        judge: chooses among several captions of an image, see :mod:`ram.caption_reranking`; None writes one.

    Raises:
        InputError: the model has no captioner, or the metrics fail.
        MissingPackageError: pycocoevalcap is not installed.
        ImageError: some images cannot be read; the message names them.
    """
    check_metrics(tokenizer)
    started = time.monotonic()
    captions = tuple(write_captions(tagger, captioned, beams, progress, judge))
    seconds = time.monotonic() - started
    progress("computing the metrics", 0, 1)
    return CaptionReport(captions, score_captions(captions, captioned.captions, tokenizer), seconds)


def write_captions(
    tagger: Tagger,
    captioned: CaptionedPictures,
    beams: int = 3,
    progress: Progress = quiet,
    judge: Tagger | None = None,
) -> list[str]:
    """Write a caption of every image, in batches.

    Raises:
        InputError: the model has no captioner.
        ImageError: some images cannot be read; the message names them.
    """
    captioner_of(tagger)  # a model without a captioner says so
    faults, captions = list[str](), list[str]()
    pictures = captioned.pictures
    if judge is None:
        written = tagger.caption_through(pictures, beams=beams)
    else:
        written = best_captions(tagger, judge, pictures, beams)
    for done, found in enumerate(written):
        progress(f"{tagger.name} writes captions", done, len(pictures))
        if isinstance(found, ImageError):
            faults.append(str(found))
        else:
            captions.append(found.text)
    if faults:
        raise unusable(faults, f"{len(pictures)} pictures")
    return captions
