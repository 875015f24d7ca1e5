"""Small WordPiece vocabularies: the pieces of a large one that captions and tags use."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from ram.text.wordpiece import UNKNOWN, WordPiece

FIRST = ("[PAD]", UNKNOWN, "[DEC]", "[ENC]", "[SEP]")
"""Special pieces, before all others."""
NEEDED = "a picture of | ;"
"""Prompt and separators, which every captioner writes or reads."""
_PUNCTUATION = re.compile(r'[.!"()*#:;~]')


def plain_caption(text: str) -> str:
    """A caption in lower case without full stops and the like, as in the published training."""
    return " ".join(_PUNCTUATION.sub(" ", text.lower()).split())


def small_wordpiece(words: WordPiece, captions: Iterable[str], tags: Iterable[str], least: int = 3) -> WordPiece:
    """A vocabulary of the pieces that occur ``least`` times in captions, or in any tag.

    Every ASCII character that ``words`` has stays, alone and within a word, so that rare words are spelled.

    Args:
        words: the large vocabulary.
        captions: of the training images.
        tags: of the label system.
        least: occurrences in all captions together.
    """
    counts: Counter[int] = Counter()
    for caption in captions:
        counts.update(words.encode(plain_caption(caption)))
    kept = {piece for piece, count in counts.items() if count >= least}
    for text in (*tags, NEEDED):
        kept.update(words.encode(text))
    characters = (i for i, piece in enumerate(words.pieces) if len(piece.removeprefix("##")) == 1 and piece.isascii())
    pieces = (words.pieces[i] for i in sorted(kept.union(characters)))
    return WordPiece((*FIRST, *(piece for piece in pieces if piece not in FIRST)))
