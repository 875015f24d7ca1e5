"""Loading describers by name, and a fallback that takes over visibly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from ram.describers.base import Describer
from ram.describers.description_cache import CachedDescriber
from ram.describers.fallback import DescribedSentence, Notice, describe_tags, describe_with_fallback, merge_notices
from ram.describers.loading import DESCRIBERS, DescriberName, load_describer
from ram.describers.template import TemplateDescriber
from ram.errors import DescriberError, InputError, MissingKeyError


class Failing(Describer):
    """Yields one sentence, then fails."""

    name = "failing"
    fingerprint = "failing-1"

    def describe(self, tag: str) -> Iterator[str]:
        yield f"a photo of a {tag}."
        raise DescriberError("It is out of words.")


class Unsure(TemplateDescriber):
    """Knows no word."""

    name = "unsure"

    def knows(self, tag: str) -> bool:
        return False


def test_sentences_carry_the_name_of_their_describer() -> None:
    parts = list(describe_with_fallback(TemplateDescriber(), Failing(), "corgi"))
    assert parts[0] == DescribedSentence("a photo of a corgi.", "template")
    assert [part.text for part in parts] == list(TemplateDescriber().describe("corgi"))


def test_the_fallback_continues_after_a_failure_without_repeats() -> None:
    parts = list(describe_with_fallback(Failing(), TemplateDescriber(), "corgi"))
    assert parts[0] == DescribedSentence("a photo of a corgi.", "failing")
    assert isinstance(parts[1], Notice)
    assert parts[1].text == 'It is out of words. The template describer takes over for "corgi".'
    assert all(isinstance(part, DescribedSentence) and part.origin == "template" for part in parts[2:])
    assert len(parts) > 4
    texts = [part.text for part in parts]
    assert len(set(texts)) == len(texts)


def test_a_failing_fallback_is_an_error() -> None:
    with pytest.raises(DescriberError, match="out of words"):
        list(describe_with_fallback(Failing(), Failing(), "corgi"))


def test_an_unknown_word_gives_a_notice() -> None:
    first, second, *_ = describe_with_fallback(Unsure(), TemplateDescriber(), "zorgle")
    assert isinstance(first, Notice) and first.text == 'The unsure does not know "zorgle": templates are used instead.'
    assert second == DescribedSentence("a photo of a zorgle.", "template")


def test_the_origin_of_several_tags_notes_the_fallback() -> None:
    descriptions, notices = describe_tags(Failing(), TemplateDescriber(), ["corgi", "kite"])
    assert descriptions.tags == ("corgi", "kite")
    assert descriptions["corgi"][0] == "a photo of a corgi."
    (notice,) = notices
    assert notice.text == 'It is out of words. The template describer takes over for "corgi" and "kite".'
    assert descriptions.origin.describer == "failing"
    assert descriptions.origin.fingerprint == "failing-1"
    assert "takes over" in descriptions.origin.note


def test_notices_that_differ_only_in_tags_are_merged() -> None:
    notices = [
        Notice("It is away. Others take over for ", ("a",), "."), Notice("It is late."),
        Notice("It is away. Others take over for ", ("b",), "."), Notice("Nobody knows ", ("a",), "."),
        Notice("It is away. Others take over for ", ("c",), "."), Notice("It is late."),
    ]  # fmt: skip
    assert [notice.text for notice in merge_notices(notices)] == [
        'It is away. Others take over for "a", "b" and "c".', "It is late.", 'Nobody knows "a".',
    ]  # fmt: skip
    assert merge_notices([]) == ()


def test_a_tag_that_is_no_category_is_refused() -> None:
    with pytest.raises(ValueError, match="no letter"):
        list(describe_with_fallback(TemplateDescriber(), TemplateDescriber(), "!"))


@pytest.mark.parametrize("name", DESCRIBERS)
def test_every_describer_is_loaded_by_its_name(name: str, tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": "sk-test"}
    assert load_describer(name, environ=environ, cache_folder=tmp_path).name == name


def test_the_type_of_describer_names_lists_all_of_them() -> None:
    assert get_args(DescriberName) == tuple(DESCRIBERS)


def test_the_chat_describer_is_cached_where_a_folder_is_given(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    cached = load_describer("openai", model="tiny", environ=environ, cache_folder=tmp_path)
    assert isinstance(cached, CachedDescriber)
    assert cached.fingerprint == "tiny at 127.0.0.1:9, prompts 1 for 10 answers each, temperature 0.99"
    assert "sk-test" not in repr(cached) + cached.fingerprint
    assert not isinstance(load_describer("openai", environ=environ), CachedDescriber)


def test_a_missing_key_and_a_wrong_name_are_sentences() -> None:
    with pytest.raises(MissingKeyError, match="set OPENAI_API_KEY"):
        load_describer("openai", environ={})
    with pytest.raises(ValueError, match=re.escape(f"'gpt': choose one of {', '.join(DESCRIBERS)}")):
        load_describer("gpt", environ={})
    assert load_describer("openai", environ={"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}).name == "openai"


class English(Describer):
    """Writes English sentences about any name, as a language model does."""

    name = fingerprint = "english"

    def describe(self, tag: str) -> Iterator[str]:
        yield f"a photo of a {tag}."
        yield "a small furry animal."


def test_a_tag_the_encoder_cannot_read_gets_one_notice() -> None:
    (notice,) = describe_with_fallback(TemplateDescriber(), TemplateDescriber(), "猫")
    assert isinstance(notice, Notice)
    assert notice.text == (
        'The text encoder cannot read "猫": type it in English, or let a language model describe it.'
    )


def test_only_readable_sentences_of_such_a_tag_are_used() -> None:
    notice, *parts = describe_with_fallback(English(), TemplateDescriber(), "猫")
    assert parts == [DescribedSentence("a small furry animal.", "english")]
    assert isinstance(notice, Notice)
    assert notice.text == 'The english describer reads "猫" as in "a small furry animal."'


def test_describing_unreadable_tags_is_an_error_that_names_them() -> None:
    with pytest.raises(InputError, match='cannot read "猫", "кошка": type it in English'):
        describe_tags(TemplateDescriber(), TemplateDescriber(), ["猫", "dog", "кошка"])
