"""Tag packs: a vocabulary with its descriptions, embeddings and thresholds in one file.

A pack is a safetensors file: one tensor, ``embeddings`` (sentences, dim) in 16 bit, and texts as JSON in its header.
Packs are untrusted: nothing in one is executed, and everything is checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from ram.errors import InputError, PackError
from ram.runtime import atomic_write
from ram.text.cleaning import plain_text
from ram.text.descriptions import Origin, TagDescriptions
from ram.text.names import normalize_category, unreadable_words
from ram.text.vocabulary import TagVocabulary

if TYPE_CHECKING:
    from ram.models.text_encoder import TextEncoder
    from ram.text.bank import TagEmbeddingBank

SUFFIX = ".tagpack"
FORMAT = "ram tag pack 1"
MAX_TEXT_LENGTH = 2000
"""Characters of a description or a translation."""
_DAMAGED = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, SafetensorError)
_LENGTH_TOLERANCE = 0.01
"""Tolerance of an embedding's length around 1; rounding to 16 bit changes it by less than a thousandth."""


@dataclass(frozen=True)
class PackLimits:
    """Upper limits on the size of a pack.

    Args:
        file: bytes of the file.
        header: bytes of its tags and descriptions.
        tags: number of tags.
        cells: tags times the largest number of descriptions of a tag: the size in memory after loading.
    """

    file: int
    header: int
    tags: int
    cells: int


OWN_FILES = PackLimits(file=2 << 30, header=100 << 20, tags=100_000, cells=4_000_000)
"""For files that people open on their own machine."""
UPLOADS = PackLimits(file=8 << 20, header=2 << 20, tags=1_000, cells=10_000)
"""For files that visitors send to a public page."""


def save_pack(path: Path | str, bank: TagEmbeddingBank, text_encoder: TextEncoder) -> None:
    """Write a pack atomically.

    Raises:
        InputError: the bank is of another encoder, or has a tag that is not a category (see `normalize_category`).
    """
    path = Path(path)
    if bank.text_encoder != text_encoder.name:
        raise InputError(f"the bank is of {bank.text_encoder!r}, not of {text_encoder.name!r}: embed it again")
    check_names(bank.vocabulary.tags)
    vocabulary = bank.vocabulary
    entries: list[dict[str, Any]] = [
        {"tag": tag, "threshold": threshold, "descriptions": sentences}
        for tag, threshold, sentences in zip(vocabulary.tags, vocabulary.thresholds, bank.sentences, strict=True)
    ]
    for name, values in (("translation", vocabulary.translations), ("kind", vocabulary.kinds)):
        for entry, value in zip(entries, values, strict=False):
            entry[name] = value
    header = {
        "format": FORMAT,
        "text_encoder": text_encoder.name,
        "fingerprint": text_encoder.fingerprint,
        "origin": json.dumps(bank.descriptions.origin.to_json(), ensure_ascii=False),
        "tags": json.dumps(entries, ensure_ascii=False),
    }
    flat = bank.embedded.embeddings[bank.mask].cpu().half().contiguous().numpy()
    with atomic_write(path) as partial:
        safetensors.numpy.save_file({"embeddings": flat}, partial, metadata=header)


def check_names(tags: Iterable[str]) -> None:
    """Check that every tag could be typed as a category, as a pack requires.

    Raises:
        InputError: the message names the first tag that could not.
    """
    if invalid := next((tag for tag in tags if normalize_category(tag) != tag), None):
        raise InputError(f"tag {invalid!r} cannot be packed: rename it {normalize_category(invalid)!r}")


def load_pack(path: Path | str, text_encoder: str, dim: int, limits: PackLimits = OWN_FILES) -> TagEmbeddingBank:
    """Read a pack for models that take embeddings of ``text_encoder`` with ``dim`` dimensions.

    Raises:
        PackError: the file cannot be read, is too large, is not a pack, is damaged, or is for another text encoder.
    """
    import torch

    from ram.text.bank import TagEmbeddingBank, pad

    path = Path(path)
    try:
        if path.stat().st_size > limits.file:
            raise PackError(f"{path.name!r} is larger than {limits.file >> 20} MB: pack fewer tags or descriptions")
        raw = path.read_bytes()
        header = _read_header(raw, limits)
        _check_encoder(header, path.name, text_encoder)
        vocabulary, descriptions = _read_texts(header, limits)
        counts = [len(sentences) for sentences in descriptions.values()]
        flat = torch.from_numpy(_read_embeddings(raw, sum(counts), dim).copy())
        return TagEmbeddingBank(vocabulary, descriptions, pad(flat.split(counts), dim), text_encoder)
    except OSError as error:
        raise PackError(f"{path.name!r} cannot be read: {error.strerror or error}") from None
    except PackError:
        raise
    except _DAMAGED as error:
        reason = plain_text(str(error))[:200] if isinstance(error, ValueError) else "it is damaged"
        raise PackError(f"{path.name!r} is no usable tag pack ({reason}): make it again with `ram pack`") from None


def _read_header(raw: bytes, limits: PackLimits) -> Mapping[str, str]:
    """Read and check the header before the tensors are read."""
    length = int.from_bytes(raw[:8], "little")
    if len(raw) < 8 or raw[8:9] != b"{" or 8 + length > len(raw):
        raise ValueError("it has another format, or is cut short")
    if length > limits.header:
        raise ValueError(f"its texts are longer than {limits.header >> 20} MB")
    header: Mapping[str, str] = json.loads(raw[8 : 8 + length])["__metadata__"]
    if header["format"] != FORMAT:
        raise ValueError(f"its format is {header['format']!r:.60}, not {FORMAT!r}")
    return header


def _check_encoder(header: Mapping[str, str], name: str, text_encoder: str) -> None:
    from ram.models.text_encoder import FINGERPRINTS

    if header["text_encoder"] != text_encoder:
        raise PackError(
            f"{name!r} is for models that read {header['text_encoder']!r:.60}, this one reads {text_encoder!r}: "
            "make it again with `ram pack` and this model"
        )
    if FINGERPRINTS.get(text_encoder, header["fingerprint"]) != header["fingerprint"]:
        raise PackError(
            f"{name!r} was made with other weights of {text_encoder!r} than this model was trained with: "
            "install the version in requirements.txt and make it again with `ram pack`"
        )


def _read_texts(header: Mapping[str, str], limits: PackLimits) -> tuple[TagVocabulary, TagDescriptions]:
    entries = json.loads(header["tags"])
    if not isinstance(entries, list) or not entries:
        raise ValueError("it holds no tags")
    if len(entries) > limits.tags:
        raise ValueError(f"{len(entries)} tags are more than {limits.tags}")
    sentences: dict[str, list[str]] = {}
    for entry in entries:
        tag = entry["tag"]
        if normalize_category(tag) != tag or tag in sentences:
            raise ValueError(f"it names {tag[:60]!r} twice or in an invalid form")
        sentences[tag] = [_text(sentence) for sentence in entry["descriptions"]]
    if unreadable := next((tag for tag, texts in sentences.items() if all(map(unreadable_words, texts))), None):
        raise ValueError(f"the text encoder cannot read {unreadable[:60]!r}")
    most = max(map(len, sentences.values()))
    if most * len(sentences) > limits.cells:
        raise ValueError(f"{len(sentences)} tags with up to {most} descriptions are too many")
    thresholds = tuple(float(entry["threshold"]) for entry in entries)
    translations = tuple(_text(entry.get("translation", "")) for entry in entries)
    kinds = tuple(_text(entry.get("kind", "")) for entry in entries)
    origin = Origin(**{field: _text(text) for field, text in json.loads(header["origin"]).items()})
    vocabulary = TagVocabulary(
        tuple(sentences), thresholds, translations if any(translations) else (), kinds if any(kinds) else ()
    )
    return vocabulary, TagDescriptions(sentences, origin)


def _text(text: str) -> str:
    """Untrusted text cleaned for display; printable ASCII stays unchanged."""
    if len(text) > MAX_TEXT_LENGTH:
        raise ValueError(f"a text in it has more than {MAX_TEXT_LENGTH} characters")
    return text if text.isascii() and text.isprintable() else plain_text(text)


def _read_embeddings(raw: bytes, sentences: int, dim: int) -> np.ndarray:
    """(sentences, dim) unit vectors in 16 bit."""
    tensors = safetensors.numpy.load(raw)
    flat = tensors["embeddings"]
    if len(tensors) != 1 or flat.dtype != np.float16 or flat.shape != (sentences, dim):
        raise ValueError(f"it has to hold {sentences} embeddings, {dim} wide, in 16 bit, and nothing else")
    lengths = np.linalg.norm(flat.astype(np.float32), axis=1)
    if not (np.abs(lengths - 1) < _LENGTH_TOLERANCE).all():  # false for NaN too
        raise ValueError("its embeddings are not of length 1")
    return flat
