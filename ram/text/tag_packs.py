"""Tag packs: a vocabulary in one file, with its descriptions, embeddings, thresholds and where they come from.

A pack is a safetensors file: one tensor, `embeddings` (sentences, dim) in 16 bit, and in the header what they are the
embeddings of, as JSON. Whoever opens one trusts nobody: nothing in it is run, and everything in it is checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from ram.errors import PackError
from ram.models.text_encoder import FINGERPRINTS, TextEncoder
from ram.text.bank import TagEmbeddingBank, pad
from ram.text.descriptions import Origin, TagDescriptions, normalize_category, plain_text
from ram.text.vocabulary import TagVocabulary

SUFFIX = ".tagpack"
FORMAT = "ram tag pack 1"
LONGEST_SENTENCE = 2000
"""Characters of a description or a translation."""
_DAMAGED = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, SafetensorError)
_OFF_UNIT = 0.01
"""How far from 1 the length of an embedding may be; 16 bit takes it off by less than a thousandth."""


@dataclass(frozen=True)
class PackLimits:
    """How large a pack may be.

    Args:
        file: bytes.
        header: bytes of tags and descriptions in it.
        tags: how many.
        cells: tags times the most descriptions that one of them has: what it takes in memory once it is open.
    """

    file: int
    header: int
    tags: int
    cells: int


OWN_FILES = PackLimits(file=2 << 30, header=100 << 20, tags=100_000, cells=4_000_000)
"""For files that a person opens on their own machine."""
UPLOADS = PackLimits(file=8 << 20, header=2 << 20, tags=1_000, cells=10_000)
"""For files that a stranger sends to a page."""


def save_pack(path: Path | str, bank: TagEmbeddingBank, text_encoder: TextEncoder) -> None:
    """Write a pack; a kill leaves what was there, or all of the new.

    Raises:
        ValueError: the bank is of another encoder, or has a tag that is no category (see `normalize_category`).
    """
    path = Path(path)
    if bank.text_encoder != text_encoder.name:
        raise ValueError(f"the bank is of {bank.text_encoder!r}, not of {text_encoder.name!r}: embed it again")
    check_names(bank.vocabulary.tags)
    vocabulary = bank.vocabulary
    entries: list[dict[str, Any]] = [
        {"tag": tag, "threshold": threshold, "descriptions": sentences}
        for tag, threshold, sentences in zip(vocabulary.tags, vocabulary.thresholds, bank.sentences, strict=True)
    ]
    for entry, translation in zip(entries, vocabulary.translations, strict=False):
        entry["translation"] = translation
    header = {
        "format": FORMAT,
        "text_encoder": text_encoder.name,
        "fingerprint": text_encoder.fingerprint,
        "origin": json.dumps(bank.descriptions.origin.to_json(), ensure_ascii=False),
        "tags": json.dumps(entries, ensure_ascii=False),
    }
    flat = bank.embedded.embeddings[bank.mask].to("cpu", torch.float16).contiguous()
    partial = path.with_name(f"{path.name}.partial")
    safetensors.torch.save_file({"embeddings": flat}, partial, metadata=header)
    partial.replace(path)


def check_names(tags: Iterable[str]) -> None:
    """ValueError names a tag that a pack cannot hold, since nobody could type it as a category."""
    if odd := next((tag for tag in tags if normalize_category(tag) != tag), None):
        raise ValueError(f"tag {odd!r} cannot be packed: rename it {normalize_category(odd)!r}")


def load_pack(path: Path | str, text_encoder: str, dim: int, limits: PackLimits = OWN_FILES) -> TagEmbeddingBank:
    """Read a pack for models that read embeddings of ``text_encoder``, ``dim`` wide.

    Raises:
        PackError: the file cannot be read, is too large, is no pack, is damaged, or is for another text encoder.
    """
    path = Path(path)
    try:
        if path.stat().st_size > limits.file:
            raise PackError(f"{path.name!r} is larger than {limits.file >> 20} MB: pack fewer tags or descriptions")
        raw = path.read_bytes()
        header = _header(raw, limits)
        _check_encoder(header, path.name, text_encoder)
        vocabulary, descriptions = _texts(header, limits)
        counts = [len(sentences) for sentences in descriptions.values()]
        flat = _vectors(raw, sum(counts), dim)
        return TagEmbeddingBank(vocabulary, descriptions, pad(flat.split(counts), dim), text_encoder)
    except OSError as error:
        raise PackError(f"{path.name!r} cannot be read: {error.strerror or error}") from None
    except PackError:
        raise
    except _DAMAGED as error:
        said = plain_text(str(error))[:200] if isinstance(error, ValueError) else "it is damaged"
        raise PackError(f"{path.name!r} is no usable tag pack ({said}): make it again with `ram pack`") from None


def _header(raw: bytes, limits: PackLimits) -> Mapping[str, str]:
    """The text part, read before anything is made of the numbers."""
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


def _texts(header: Mapping[str, str], limits: PackLimits) -> tuple[TagVocabulary, TagDescriptions]:
    entries = json.loads(header["tags"])
    if not isinstance(entries, list) or not entries:
        raise ValueError("it holds no tags")
    if len(entries) > limits.tags:
        raise ValueError(f"{len(entries)} tags are more than {limits.tags}")
    sentences: dict[str, list[str]] = {}
    for entry in entries:
        tag = entry["tag"]
        if normalize_category(tag) != tag or tag in sentences:
            raise ValueError(f"it names {tag[:60]!r} twice or in an odd way")
        sentences[tag] = [_text(sentence) for sentence in entry["descriptions"]]
    most = max(map(len, sentences.values()))
    if most * len(sentences) > limits.cells:
        raise ValueError(f"{len(sentences)} tags with up to {most} descriptions are too many")
    thresholds = tuple(float(entry["threshold"]) for entry in entries)
    translations = tuple(_text(entry.get("translation", "")) for entry in entries)
    origin = Origin(**{field: _text(text) for field, text in json.loads(header["origin"]).items()})
    vocabulary = TagVocabulary(tuple(sentences), thresholds, translations if any(translations) else ())
    return vocabulary, TagDescriptions(sentences, origin)


def _text(text: str) -> str:
    """Untrusted text fit to be shown; what our own packs hold stays as it is."""
    if len(text) > LONGEST_SENTENCE:
        raise ValueError(f"a text in it has more than {LONGEST_SENTENCE} characters")
    return text if text.isascii() and text.isprintable() else plain_text(text)


def _vectors(raw: bytes, sentences: int, dim: int) -> torch.Tensor:
    """(sentences, dim) unit vectors in 16 bit."""
    tensors = safetensors.torch.load(raw)
    flat = tensors["embeddings"]
    if len(tensors) != 1 or flat.dtype != torch.float16 or flat.shape != (sentences, dim):
        raise ValueError(f"it has to hold {sentences} embeddings, {dim} wide, in 16 bit, and nothing else")
    lengths = flat.float().norm(dim=1)
    if not bool(((lengths - 1).abs() < _OFF_UNIT).all()):  # false for NaN too
        raise ValueError("its embeddings are not of length 1")
    return flat
