"""Tag photos by the graphs of `ram export onnx`, without PyTorch: onnxruntime, numpy, Pillow and tokenizers.

    from ram_onnx import OnnxTagger
    tagger = OnnxTagger("exported")
    tagger.tag("photo.jpg")                                            # [("dog", 0.98), ...] over their thresholds
    look = tagger.look("photo.jpg")
    tagger.score(look, tagger.embed({"corgi": ["a photo of a corgi."]}))   # probabilities of any category
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

SETTINGS = "tags.json"
MAX_TOKENS = 256
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
        self._embed: tuple[onnxruntime.InferenceSession, Any] | None = None
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
            from tokenizers import Tokenizer

            tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
            tokenizer.enable_truncation(MAX_TOKENS)
            tokenizer.enable_padding()
            self._embed = self._session("embed.onnx"), tokenizer
        session, tokenizer = self._embed
        encoded = tokenizer.encode_batch(sentences)
        inputs = {"ids": [one.ids for one in encoded], "mask": [one.attention_mask for one in encoded]}
        return session.run(None, {name: np.array(rows, np.int64) for name, rows in inputs.items()})[0]

    def _session(self, name: str) -> onnxruntime.InferenceSession:
        path = self.folder / name
        if not path.is_file():
            raise ValueError(f"{self.folder.name!r} lacks {name}: export the model again")
        return onnxruntime.InferenceSession(path, self._options, providers=["CPUExecutionProvider"])


def _pad(tags: tuple[str, ...], rows: Sequence[np.ndarray]) -> Bank:
    """Stack (descriptions, dim) arrays of different lengths."""
    most = max(map(len, rows))
    embeddings = np.stack([np.pad(row, ((0, most - len(row)), (0, 0))) for row in rows])
    counts = np.array([len(row) for row in rows])
    return Bank(tags, embeddings, np.arange(most) < counts[:, None])
