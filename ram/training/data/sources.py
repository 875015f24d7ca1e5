"""Read the data that a recipe names into triplets over one label system."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ram.describers.fallback import describe_tags
from ram.describers.loading import load_describer
from ram.describers.template import TemplateDescriber
from ram.errors import InputError
from ram.labels.label_system import shipped_descriptions, shipped_synonyms, shipped_vocabulary
from ram.runtime import Progress, atomic_write
from ram.text.descriptions import Origin, TagDescriptions
from ram.text.vocabulary import TagVocabulary
from ram.training.data.decoding import find_faults
from ram.training.data.own_labels import LabelledPictures, own_tags, read_own_labels
from ram.training.data.shards import find_shards, read_shards
from ram.training.data.triplets import Source, Triplets, read_triplets
from ram.training.recipe_sections import DataRecipe

_log = logging.getLogger(__name__)


def read_labels(recipe: DataRecipe, data: Path) -> list[LabelledPictures]:
    """Read the user's own labels below ``data``."""
    folders = [data / folder for folder in recipe.pictures[len(recipe.triplets) :]]
    if not folders:
        return [read_own_labels(data / path) for path in recipe.labels]
    return [read_own_labels(data / path, folder) for path, folder in zip(recipe.labels, folders, strict=True)]


def label_system(
    recipe: DataRecipe, data: Path, labels: Sequence[LabelledPictures] = ()
) -> tuple[TagVocabulary, TagDescriptions]:
    """Return the tags of a recipe and their descriptions, "a photo of a ..." first unless the recipe leaves it out."""
    vocabulary = read_vocabulary(recipe, data, labels)
    template = TemplateDescriber()
    plain = TagDescriptions({tag: (next(template.describe(tag)),) for tag in vocabulary.tags}, Origin(template.name))
    if recipe.descriptions == "template":
        return vocabulary, plain
    if recipe.descriptions == "lexicon":
        written = _from_lexicon(vocabulary.tags)
    elif recipe.descriptions == "shipped":
        written = shipped_descriptions()
        if others := [tag for tag in vocabulary.tags if tag not in written]:
            written = written.join(_from_lexicon(others))
    else:
        written = TagDescriptions.load(data / recipe.descriptions)
    written = written.select(vocabulary.tags)
    if not recipe.plain_prompt:
        return vocabulary, written
    both = {tag: tuple(dict.fromkeys(plain[tag] + written[tag])) for tag in vocabulary.tags}
    return vocabulary, TagDescriptions(both, written.origin)


def read_sources(
    recipe: DataRecipe,
    data: Path,
    labels: Sequence[LabelledPictures],
    vocabulary: TagVocabulary,
    progress: Progress,
) -> list[Source]:
    """Read triplets, shards and labels below ``data``, without opening the images.

    Raises:
        InputError: a file is missing or malformed, or a label is not a tag of the vocabulary.
    """
    tags = len(vocabulary)
    files = zip(recipe.triplets, recipe.pictures, strict=False)  # further folders belong to labels
    sources = [
        replace(read_triplets(data / file, data / folder, tags), complete=file not in recipe.incomplete)
        for file, folder in files
    ]
    if recipe.shards:
        shards = find_shards(recipe.shards, data)
        entries, skipped = read_shards(
            shards, tags, recipe.workers, partial(progress, f"reading the captions of {len(shards)} shards")
        )
        for tagged in (True, False):  # an image without tags differs from one whose tags are unknown
            selected = [entry for entry in entries if (entry.tags is not None) == tagged]
            sources.append(
                Source(
                    ", ".join(recipe.shards),
                    tuple(entry.picture for entry in selected),
                    tuple(entry.captions for entry in selected),
                    tuple(entry.tags or () for entry in selected),
                    tuple(skipped) if tagged else (),
                )
            )
    return sources + [_with_ids(source, vocabulary) for source in labels]


def check_sources(
    sources: Sequence[Source], tags: int, output: Path, name: str, workers: int, progress: Progress
) -> Triplets:
    """Keep the images that can be decoded; log how many cannot, and list them in ``output``/``name``.

    The result is saved in ``output``, so that a resumed run has the same images.

    Raises:
        InputError: no image is left.
    """
    pictures = [picture for source in sources for picture in source.pictures]
    checks = output / f"checked-{fingerprint([str(picture) for picture in pictures])}.json"
    if checks.is_file():
        faults = json.loads(checks.read_text(encoding="utf-8"))
    else:
        faults = find_faults(pictures, workers, partial(progress, f"checking {len(pictures)} pictures"))
        with atomic_write(checks) as temporary:
            temporary.write_text(json.dumps(faults), encoding="utf-8")
    checked, start = [], 0
    for source in sources:
        checked.append(source.without(faults[start : start + len(source.pictures)]))
        start += len(source.pictures)
    skipped = [line for source in checked for line in source.skipped]
    if skipped:
        with atomic_write(output / name) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in skipped), encoding="utf-8")
        first = "; ".join(Path(line.partition(": ")[0]).name for line in skipped[:3])
        _log.warning("%d pictures are skipped (%s lists them), first: %s", len(skipped), name, first)
    return Triplets.of(checked, tags)


def fingerprint(key: object) -> str:
    """Return a short hash of what a cache was made from, for its file name."""
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:12]


def read_vocabulary(recipe: DataRecipe, data: Path, labels: Sequence[LabelledPictures] = ()) -> TagVocabulary:
    """Return the tags of a recipe."""
    name = recipe.vocabulary
    if name == "shipped":
        return shipped_vocabulary()
    if name == "own":
        return TagVocabulary.of(own_tags(labels))
    if name == "shipped+own":
        known = _meanings(shipped_vocabulary())
        further = [tag for tag in own_tags(labels) if tag.casefold() not in known]
        return shipped_vocabulary().join(TagVocabulary.of(further))
    return TagVocabulary.load(data / name)


def _from_lexicon(tags: Sequence[str]) -> TagDescriptions:
    written, notices = describe_tags(load_describer("lexicon", environ={}), TemplateDescriber(), tags)
    for notice in notices:
        _log.warning("%s", notice.text)
    return written


def _with_ids(labels: LabelledPictures, vocabulary: TagVocabulary) -> Source:
    ids = _meanings(vocabulary)
    if unknown := sorted({tag for tags in labels.tags for tag in tags if tag.casefold() not in ids}):
        raise InputError(
            f"{labels.name} has the tag {unknown[0]!r}, which the vocabulary lacks: "
            "set data.vocabulary to 'own' or 'shipped+own', or add the tag to your file of tags"
        )
    tag_ids = tuple(tuple(sorted({ids[tag.casefold()] for tag in tags})) for tags in labels.tags)
    return Source(labels.name, labels.pictures, ((),) * len(tag_ids), tag_ids)


def _meanings(vocabulary: TagVocabulary) -> dict[str, int]:
    """Map words in lower case to tag ids: the tags themselves, and our synonyms of them."""
    ids = {tag.casefold(): id_ for id_, tag in enumerate(vocabulary.tags)}
    if set(shipped_vocabulary().tags) <= set(vocabulary.tags):
        ids = {word.casefold(): vocabulary.id(tag) for word, tag in shipped_synonyms().items()} | ids
    return ids
