"""Who writes the descriptions (RAM++, Table 9), on the tags that a language model's file describes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.lite.scoring import score_looks
from benchmarks.training_data import held_out
from ram.describers.fallback import describe_tags
from ram.describers.loading import OFFLINE, USING_LOCAL, load_describer
from ram.describers.local.weights import INSTALL, is_available
from ram.describers.wording import plain_prompt
from ram.errors import MissingPackageError
from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.metrics import mean_average_precision
from ram.evaluation.pictures import sound_pictures
from ram.evaluation.tag_banks import mean_bank
from ram.models.image_encoder import ImageFeatures
from ram.models.text_encoder import encode_sentences
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions

DESCRIBERS = (*OFFLINE, *USING_LOCAL)
"""Describers that need no key."""
SOURCE = "imagenet_samples"
"""One photo of each of ImageNet's 1,000 classes among the broad photos."""


def class_photos(data: Path, tags: TagDescriptions, all_photos: bool = False) -> Benchmark:
    """Photos of one ImageNet class each, and the classes among them that are described.

    Args:
        data: folder of "Training" in the README.
        tags: described classes; their names are compared regardless of case.
        all_photos: also those that training saw, not the held-out 15 % alone.
    """
    entries = json.loads((data / "broad" / "photos.json").read_text(encoding="utf-8"))
    entries = [entry for entry in entries if entry["source"] == SOURCE]
    kept = held_out([entry["image"] for entry in entries])
    entries = [entry for entry in entries if all_photos or entry["image"] in kept]
    folded = {tag.casefold(): tag for tag in tags}
    own = [{folded[tag.casefold()] for tag in entry["tags"] if tag.casefold() in folded} for entry in entries]
    names = sorted(set().union(*own))
    targets = np.array([[name in tags for name in names] for tags in own])
    images = [entry["image"] for entry in entries]
    files = sound_pictures(images, {image: data / "broad" / image for image in images}, SOURCE)
    return Benchmark(SOURCE, tuple(names), files, targets)


def describer_rows(
    tagger: Tagger,
    looks: ImageFeatures,
    benchmark: Benchmark,
    files: Mapping[str, TagDescriptions],
    most: int | None = None,
    describers: Sequence[str] = OFFLINE,
    kept: Path | None = None,
) -> dict[str, dict[str, float]]:
    """mAP in percent by describer, with re-weighting and with the plain mean of the sentences.

    All describers are asked for the same tags, and each tag's sentences begin with "a photo of a ...", as the official
    descriptions do.

    Args:
        tagger: the model.
        looks: features of the benchmark's images.
        benchmark: whose tags every file describes.
        files: name of a language model to its descriptions.
        most: sentences of each describer and tag, from the first; all where None.
        describers: of :data:`DESCRIBERS`, measured beside the files.
        kept: folder in which each sentence of a language model is stored, so that a stopped run goes on; nothing is
            stored where None.

    Raises:
        InputError: a file lacks a tag.
        MissingPackageError: the local language model is not installed.
    """
    asked = {name: described.select(benchmark.tags) for name, described in files.items()}
    replaced: dict[str, int] = {}
    for name in describers:
        asked[name], replaced[name] = _described(name, benchmark.tags, kept)
    rows = {}
    for name, all_sentences in asked.items():
        described = all_sentences.first(most)
        texts = {tag: tuple(dict.fromkeys((plain_prompt(tag), *described[tag]))) for tag in benchmark.tags}
        bank = TagEmbeddingBank.build(TagDescriptions(texts), tagger.text_encoder)
        rows[name] = {
            "re-weighted": _map(tagger, looks, bank, benchmark),
            "plain mean": _map(tagger, looks, mean_bank(bank), benchmark),
            "sentences": sum(map(len, texts.values())) / len(texts),
        }
        if replaced.get(name):
            rows[name]["tags by the lexicon"] = replaced[name]
    return rows


def read_folded(path: Path) -> TagDescriptions:
    """Descriptions of a file, either form, whose tags are in lower case."""
    described = TagDescriptions.load(path)
    return TagDescriptions({tag.casefold(): texts for tag, texts in described.items()})


def _described(name: str, tags: Sequence[str], kept: Path | None) -> tuple[TagDescriptions, int]:
    """Sentences of each tag, and for how many tags the lexicon had to take over from a language model."""
    if name in USING_LOCAL and not is_available():
        raise MissingPackageError(f"the describer {name} needs a language model: {INSTALL}")
    describer = load_describer(name, environ={}, cache_folder=kept, encode=encode_sentences)
    fallback = describer if name in OFFLINE else load_describer("lexicon", environ={})
    described, notices = describe_tags(describer, fallback, tags)
    return described, 0 if name in OFFLINE else len({tag for notice in notices for tag in notice.tags})


def _map(tagger: Tagger, looks: ImageFeatures, bank: TagEmbeddingBank, benchmark: Benchmark) -> float:
    return 100 * mean_average_precision(score_looks(tagger, looks, bank), benchmark.targets)
