"""Tag photos by the graphs of `ram export onnx`, without PyTorch: onnxruntime, numpy and Pillow.

    from ram_onnx import OnnxTagger
    tagger = OnnxTagger("exported")
    tagger.tag("photo.jpg")                                            # [("dog", 0.98), ...] over their thresholds
    look = tagger.look("photo.jpg")
    tagger.score(look, tagger.embed({"corgi": ["a photo of a corgi."]}))   # probabilities of any category
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

SETTINGS = "tags.json"
MAX_TOKENS, LONGEST_WORD = 256, 100
_IDEOGRAPHS = re.compile("[\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002ceaf\uf900-\ufaff\U0002f800-\U0002fa1f]")
_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@dataclass(frozen=True)
class Bank:
    """Embeddings of categories.

    Args:
        tags: their names.
        embeddings: (tags, descriptions, dim) unit vectors; 0 where a tag has fewer descriptions.
        mask: (tags, descriptions) True where there is one.
    """

    tags: tuple[str, ...]
    embeddings: np.ndarray
    mask: np.ndarray


class OnnxTagger:
    """A tagger made of ONNX graphs.

    Args:
        folder: what `ram export onnx` wrote.
        threads: of onnxruntime; 0 takes one per core.

    Raises:
        ValueError: the folder lacks a file.
    """

    def __init__(self, folder: str | Path, threads: int = 0) -> None:
        self.folder = Path(folder)
        if not (self.folder / SETTINGS).is_file():
            raise ValueError(f"{str(folder)!r} holds no {SETTINGS}: give a folder that `ram export onnx` wrote")
        self.settings: dict[str, Any] = json.loads((self.folder / SETTINGS).read_text(encoding="utf-8"))
        self._options = onnxruntime.SessionOptions()
        self._options.intra_op_num_threads = threads
        self._look, self._score = self._session("look.onnx"), self._session("score.onnx")
        self._embed: tuple[onnxruntime.InferenceSession, WordPieces] | None = None
        self.thresholds = np.array(self.settings["thresholds"], np.float32)
        counts = self.settings["descriptions"]
        flat = np.fromfile(self.folder / "bank.bin", "<f2").astype(np.float32).reshape(sum(counts), -1)
        self.bank = _pad(tuple(self.settings["tags"]), np.split(flat, np.cumsum(counts)[:-1]))

    def look(self, image: str | Path | Image.Image) -> dict[str, np.ndarray]:
        """Run the image encoder once; its outputs, by name, are what :meth:`score` takes."""
        names = [output.name for output in self._look.get_outputs()]
        return dict(zip(names, self._look.run(names, {"pixels": self.prepare(image)[None]}), strict=True))

    def score(self, look: Mapping[str, np.ndarray], bank: Bank | None = None) -> np.ndarray:
        """(tags,) probabilities of one photo, over the predefined tags where no bank is given."""
        bank = self.bank if bank is None else bank
        known = {node.name for node in self._score.get_inputs()}
        inputs = {name: array for name, array in look.items() if name in known}
        inputs |= {name: part for name, part in vars(bank).items() if name in known}
        (logits,) = self._score.run(["logits"], inputs)
        return 1 / (1 + np.exp(-logits[0]))

    def tag(self, image: str | Path | Image.Image) -> list[tuple[str, float]]:
        """Predefined tags over their own thresholds with their probabilities, most probable first."""
        scores = self.score(self.look(image))
        present = scores.astype(np.float32) > self.thresholds
        order = np.argsort(-scores, kind="stable")
        return [(self.bank.tags[i], float(scores[i])) for i in order if present[i]]

    def embed(self, descriptions: Mapping[str, Sequence[str]]) -> Bank:
        """Embed categories by their sentences; a RAM model keeps the first of each.

        Raises:
            ValueError: there is no text encoder in the folder, or a category has no sentence.
        """
        if not descriptions or not all(descriptions.values()):
            raise ValueError("every category needs at least one sentence")
        most = self.settings["max_descriptions"]
        rows = [self._encode(list(sentences)[:most]) for sentences in descriptions.values()]
        return _pad(tuple(descriptions), rows)

    def prepare(self, image: str | Path | Image.Image) -> np.ndarray:
        """(3, size, size) normalized pixels of a photo, turned upright."""
        if not isinstance(image, Image.Image):
            with Image.open(image) as opened:
                return self.prepare(ImageOps.exif_transpose(opened))
        settings, side = self.settings, self.settings["size"]
        resized = image.convert("RGB").resize((side, side), _RESAMPLING[settings["interpolation"]])
        pixels = np.asarray(resized, np.float32) / np.float32(255)
        return ((pixels - np.float32(settings["mean"])) / np.float32(settings["std"])).transpose(2, 0, 1)

    def _encode(self, sentences: list[str]) -> np.ndarray:
        if self._embed is None:
            if not (self.folder / "embed.onnx").is_file():
                raise ValueError(f"{self.folder.name!r} holds no embed.onnx: the model's text encoder is not exported")
            described = json.loads((self.folder / "tokenizer.json").read_text(encoding="utf-8"))
            self._embed = self._session("embed.onnx"), WordPieces(described["model"]["vocab"])
        session, pieces = self._embed
        rows = [pieces.encode(sentence) for sentence in sentences]
        ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
        for row, filled in zip(rows, ids, strict=True):
            filled[: len(row)] = row
        mask = np.arange(ids.shape[1]) < np.array([len(row) for row in rows])[:, None]
        return session.run(None, {"ids": ids, "mask": mask.astype(np.int64)})[0]

    def _session(self, name: str) -> onnxruntime.InferenceSession:
        path = self.folder / name
        if not path.is_file():
            raise ValueError(f"{self.folder.name!r} lacks {name}: export the model again")
        return onnxruntime.InferenceSession(path, self._options, providers=["CPUExecutionProvider"])


class WordPieces:
    """Split sentences into the word pieces of BERT, lower case and without accents, as MiniLM reads them.

    Args:
        vocabulary: piece -> id, with [CLS], [SEP] and [UNK]; the pad token has id 0.
    """

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._ids = vocabulary

    def encode(self, sentence: str) -> list[int]:
        """Ids of a sentence between [CLS] and [SEP], at most :data:`MAX_TOKENS` in all."""
        ids = [id_ for word in _words(sentence) for id_ in self._pieces(word)]
        return [self._ids["[CLS]"], *ids[: MAX_TOKENS - 2], self._ids["[SEP]"]]

    def _pieces(self, word: str) -> list[int]:
        """The longest piece, then the longest of what follows; one [UNK] for a word that cannot be spelled."""
        found, start = [], 0
        while start < len(word) and len(word) <= LONGEST_WORD:
            ends = range(len(word), start, -1)
            heads = ((end, ("##" if start else "") + word[start:end]) for end in ends)
            end, piece = next(((end, piece) for end, piece in heads if piece in self._ids), (0, ""))
            if not end:
                return [self._ids["[UNK]"]]
            found.append(self._ids[piece])
            start = end
        return found if start else [self._ids["[UNK]"]]


def _words(sentence: str) -> list[str]:
    """Words, and each mark of punctuation and each Chinese character on its own."""
    kept = (" " if one.isspace() else one for one in sentence if one.isspace() or not _is_control(one))
    spaced = "".join(f" {one} " if _IDEOGRAPHS.match(one) else one for one in kept)
    lowered = "".join(one for one in unicodedata.normalize("NFD", spaced) if unicodedata.category(one) != "Mn").lower()
    return "".join(f" {one} " if _is_punctuation(one) else one for one in lowered).split()


def _is_control(character: str) -> bool:
    return character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cf", "Cn", "Co")


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character).startswith("P") or character in "$+<=>^`|~"


def _pad(tags: tuple[str, ...], rows: Sequence[np.ndarray]) -> Bank:
    """Stack (descriptions, dim) arrays of different lengths."""
    most = max(map(len, rows))
    embeddings = np.stack([np.pad(row, ((0, most - len(row)), (0, 0))) for row in rows])
    counts = np.array([len(row) for row in rows])
    return Bank(tags, embeddings, np.arange(most) < counts[:, None])
