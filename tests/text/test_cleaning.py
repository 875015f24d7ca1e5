"""Untrusted sentences are cleaned and cut to what a text encoder reads."""

from __future__ import annotations

import pytest

from ram.text.cleaning import MAX_CHARACTERS, MAX_WORDS, clean_sentence, whole_sentences


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("A corgi is small.", "A corgi is small."),
        ('  "A corgi is small."  ', "A corgi is small."),
        ("1. A corgi is small.", "A corgi is small."),
        ("- a dog\n- short legs", "a dog, short legs"),
        ("**Corgi**: a `dog`", "Corgi: a dog"),
        ("## Looks\nShort legs.", "Looks, Short legs."),
        ("a\x00 do\u202eg\x1b", "a dog"),
        ("“quoted” and “more”", "“quoted” and “more”"),
        ("3.5 cm long", "3.5 cm long"),
        ("* *", ""),
        ("…", ""),
        ("", ""),
    ],
)
def test_a_sentence_loses_marks_and_control_characters_only(raw: str, clean: str) -> None:
    assert clean_sentence(raw) == clean


def test_a_long_answer_ends_with_a_sentence_or_a_word() -> None:
    sentence = " ".join(["word"] * 29) + " end."
    assert clean_sentence(f"{sentence} {sentence}") == sentence
    cut = clean_sentence(" ".join(f"word{number}" for number in range(200)))
    assert cut.split() == [f"word{number}" for number in range(MAX_WORDS)]
    assert len(clean_sentence("猫" * 5000)) == MAX_CHARACTERS


def test_a_broken_off_last_sentence_is_left_out() -> None:
    assert whole_sentences("It has fur. It is 3.5 m long. It of") == "It has fur. It is 3.5 m long."
    assert whole_sentences("a dog with short") == "a dog with short"
