"""The vocabulary of a captioner that is trained, and its configuration by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ram.checkpoints.model_folder import WORDS
from ram.checkpoints.registry import find_model
from ram.errors import InputError
from ram.models.config import ModelConfig
from ram.text.wordpiece import WordPiece, official_wordpiece
from ram.training.recipe import Recipe

BERT = "bert"
_SPECIAL = {"begin": "[DEC]", "tags": "[ENC]", "end": "[SEP]", "pad": "[PAD]"}
"""Field of a captioner's configuration to the piece whose id it is."""


def source_folder(name: str, data: Path) -> Path:
    """Return the folder of a model that a run begins with: one below ``data``, or a shipped one."""
    return find_model(data / name if (data / name).is_dir() else name)


def read_words(recipe: Recipe, data: Path) -> WordPiece:
    """Read the captioner's vocabulary; see :class:`ram.training.recipe_sections.CaptionRecipe`.

    Raises:
        InputError: the file is missing or no vocabulary, or BERT's is not installed.
    """
    name = recipe.captions.words
    if not name and recipe.initialize and not recipe.initialize_parts:
        file = source_folder(recipe.initialize, data) / WORDS
        if file.is_file():
            return WordPiece.load(file)
    if name in ("", BERT):
        return official_wordpiece()
    try:
        return WordPiece.load(data / name)
    except FileNotFoundError:
        raise InputError(
            f"there is no vocabulary {Path(name).name!r} (captions.words): make it with `ram words`"
        ) from None


def fit_captioner(model: ModelConfig, words: WordPiece) -> ModelConfig:
    """Set the size of the vocabulary and the numbers of its special tokens in a model's configuration.

    Raises:
        InputError: a special token or the separator of tags is missing.
    """
    assert model.captioner is not None, "only captioners have a vocabulary"
    ids = {field: words.id(piece) for field, piece in _SPECIAL.items()}
    if missing := [_SPECIAL[field] for field, id_ in ids.items() if id_ is None]:
        raise InputError(f"the captioner's vocabulary lacks {missing[0]}: make it with `ram words`")
    captioner = replace(model.captioner, vocabulary=len(words), **ids)  # type: ignore[arg-type]
    for text in (captioner.prompt, captioner.separator, captioner.seen_separator):
        if unknown := words.unknown_words(text):
            raise InputError(f"the captioner's vocabulary has no piece for {unknown[0]!r}: make it with `ram words`")
    return replace(model, captioner=captioner)
