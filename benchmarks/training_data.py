"""Write the triplets that the small models are trained on, from Flickr8k, Corel5k and the broad photos.

    python -m benchmarks.training_data DATA --exclude DATA/flickr8k/benchmarks/.../..._taglist.txt

``DATA`` holds ``flickr8k/`` (``captions.json``, a list of ``{"image", "captions"}``; ``splits.json``, from a split to
its images), ``corel5k/`` (``train_tags.json``, a list of ``{"image", "tags"}``) and ``broad/`` (``photos.json``, a list
of ``{"image", "source", "tags", "captions"}``, the captions optional). Written beside them: ``labels/`` (label system
without the excluded tags; ``descriptions.json`` and, with more kinds of sentences, ``varied.json``), a triplet file for
each source whose tags are complete and one for all others, and development sets in the form that ``ram evaluate``
reads. 15 % of every broad source are for development, and all of coco128.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.everyday_labels import FOLDER as EVERYDAY
from ram.describers.fallback import describe_tags
from ram.describers.loading import load_describer
from ram.describers.template import TemplateDescriber
from ram.describers.wording import singulars
from ram.labels.captions import read_captions
from ram.labels.exclusion import ExcludedTags
from ram.labels.hypernyms import Hypernyms, load_kinds
from ram.labels.label_system import LabelSystem
from ram.labels.parallel import parse_captions
from ram.labels.reviewed_lists import shipped_lists
from ram.text.descriptions import TagDescriptions
from ram.text.files import write_json

COMPLETE = ("caltech101", "camvid", "clothing", "grocery", "imagenet_samples", "pacs")
"""Broad sources in which other tags of the same source are absent."""
DEVELOPMENT = "coco128"
HELD_OUT = 0.15
FROM_LEXICON, TEMPLATES = 12, 3
"""Sentences of the lexicon and templates that join a tag's own in ``varied.json``, at most."""
OTHER_SENSES = frozenset(
    "aerial crafts design designs detail display fan figures flight formation giant head interior light model needles "
    "outside pack pair pattern perch post prototype range relief row run shade star texture turn vehicle".split()
)
"""Words of Corel5k that mean something else there than the tag of that name."""


class Words:
    """Words of any form to the tags they stand for, hypernyms included."""

    def __init__(self, system: LabelSystem, hypernyms: Hypernyms, banned: ExcludedTags) -> None:
        self._tags = {word: system.vocabulary.tags[index] for word, index in system.ids.items()}
        self._hypernyms = hypernyms
        self._allowed = [tag for tag in system.vocabulary.tags if not banned.reason(tag)]
        self.ids = {tag: index for index, tag in enumerate(self._allowed)}

    @property
    def tags(self) -> list[str]:
        """The tags that may be trained."""
        return self._allowed

    def tag(self, word: str) -> str | None:
        """Return the tag of a word, as it stands or in the singular."""
        word = word.lower()
        return next((self._tags[form] for form in (word, *singulars(word)) if form in self._tags), None)

    def read(self, words: Iterable[str]) -> list[int]:
        """Sorted ids of all tags that the words stand for and imply."""
        tags = {tag for tag in map(self.tag, words) if tag is not None}
        return sorted(self.ids[tag] for tag in self._hypernyms.complete(tags) if tag in self.ids)


def held_out(images: Sequence[str], share: float = HELD_OUT) -> set[str]:
    """A share of a source's images, chosen by name."""
    order = sorted(images, key=lambda name: hashlib.sha256(name.encode()).digest())
    return set(order[: round(share * len(order))])


def triplet(image: str, captions: Sequence[str], parsed: Sequence[Sequence[str]], tags: Sequence[str], words: Words):
    """One entry in the official form; the captions' words and the tags both count."""
    by_caption = [words.read(found) for found in parsed]
    own = words.read([*tags, *(word for found in parsed for word in found)])
    return {"image_path": image, "caption": list(captions), "union_label_id": own, "parse_label_id": by_caption}


def varied(written: TagDescriptions) -> TagDescriptions:
    """Each tag's sentences with the lexicon's and templates: a decoder that always meets a tag in the same ten learns
    these by heart."""
    template = TemplateDescriber()
    lexicon, _ = describe_tags(load_describer("lexicon", environ={}), template, written.tags)
    all_ = {
        tag: (*written[tag], *lexicon[tag][:FROM_LEXICON], *islice(template.describe(tag), TEMPLATES))
        for tag in written.tags
    }
    return TagDescriptions({tag: tuple(dict.fromkeys(texts)) for tag, texts in all_.items()}, written.origin)


def parse_all(
    captions: Mapping[str, Sequence[str]], words: Iterable[str], processes: int
) -> dict[str, list[list[str]]]:
    """The words of each caption of each image."""
    sentences = [sentence for texts in captions.values() for sentence in texts]
    found = parse_captions(sentences, [word for word in words if " " in word], processes)
    return {image: [[tag.name for tag in next(found)] for _ in texts] for image, texts in captions.items()}


def write(path: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    write_json(path, list(entries))
    print(f"{path.name}: {len(entries)} images")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--exclude", required=True, type=Path, help="tags that stay out, one a line")
    parser.add_argument("--processes", type=int, default=1)
    args = parser.parse_args()
    data: Path = args.data
    system = LabelSystem.load(EVERYDAY)
    lists = shipped_lists()
    banned = ExcludedTags(args.exclude.read_text(encoding="utf-8").split("\n")[:-1], lists.system, lists.lexicon)
    words = Words(system, load_kinds(EVERYDAY / "kinds.csv")[1], banned)
    labels = data / "labels"
    labels.mkdir(exist_ok=True)
    synonyms = {word: tag for word, tag in system.synonyms.items() if tag in words.ids and not banned.reason(word)}
    LabelSystem(system.vocabulary.select(words.tags), synonyms).save(labels)
    written = TagDescriptions.load(EVERYDAY / "descriptions.json").select(words.tags)
    written.save(labels / "descriptions.json")
    varied(written).save(labels / "varied.json")

    flickr = {image: texts.sentences for image, texts in read_captions(data / "flickr8k" / "captions.json").items()}
    splits = json.loads((data / "flickr8k" / "splits.json").read_text(encoding="utf-8"))
    broad = json.loads((data / "broad" / "photos.json").read_text(encoding="utf-8"))
    captions = {f"flickr8k/{image}": flickr[image] for split in ("train", "dev") for image in splits[split]}
    captions |= {f"broad/{photo['image']}": photo["captions"] for photo in broad if photo.get("captions")}
    parsed = parse_all(captions, system.ids, args.processes)
    for split in ("train", "dev"):
        names = [f"flickr8k/{image}" for image in splits[split]]
        write(
            data / f"flickr8k_{split}.json",
            [triplet(n.partition("/")[2], captions[n], parsed[n], (), words) for n in names],
        )
    by_source = defaultdict(list)
    for photo in broad:
        by_source[photo["source"]].append(photo)
    files: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for source, photos in by_source.items():
        for_development = held_out([photo["image"] for photo in photos])
        for photo in photos:
            name = f"broad/{photo['image']}"
            entry = triplet(photo["image"], captions.get(name, ()), parsed.get(name, ()), photo["tags"], words)
            if source == DEVELOPMENT:
                files["broad_coco128"].append(entry)
            elif photo["image"] in for_development:
                files["broad_dev"].append(entry)
            else:
                files[f"broad_{source if source in COMPLETE else 'open'}"].append(entry)
    for name, entries in files.items():
        write(data / f"{name}.json", entries)
    corel = json.loads((data / "corel5k" / "train_tags.json").read_text(encoding="utf-8"))
    entries = [triplet(p["image"], (), (), [t for t in p["tags"] if t not in OTHER_SENSES], words) for p in corel]
    write(data / "corel5k_train.json", entries)


if __name__ == "__main__":
    main()
