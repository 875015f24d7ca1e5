"""Words are found by their beginning: predefined tags before names of the lexicon."""

import pytest

from demo.core.known_words import MAX_FOUND, Completion, KnownWords
from ram.describers.lexicon.synsets import Lexicon, Synset

LEXICON = Lexicon(
    [
        Synset(("corgi", "Welsh corgi"), "a dog", "animal", photos=3),
        Synset(("corn cob",), "of corn", "food", photos=1),
        Synset(("<b>corn</b>",), "not a word", "food", photos=3),
        Synset(("cornet", "horn"), "of brass", "artifact", photos=2),
    ]
)


@pytest.fixture
def words():
    return KnownWords(["dog", "corn", "pop corn", "Café"], LEXICON)


def found(words, text):
    return [one.word for one in words.find(text)]


def test_tags_come_first_then_what_is_photographed_most(words):
    assert words.find("cor")[:2] == [Completion("corn", True), Completion("corgi", False)]
    assert found(words, "cor") == ["corn", "corgi", "cornet", "corn cob", "pop corn", "Welsh corgi"]


def test_case_and_accents_do_not_matter(words):
    assert found(words, "  CAFE") == found(words, "café") == ["Café"]


def test_a_word_that_is_a_tag_is_found_once():
    assert found(KnownWords(["Corgi"], LEXICON), "corgi") == ["Corgi", "Welsh corgi"]


@pytest.mark.parametrize("text", ["", "   ", "x" * 61, "zzz", "<b", "%", "\x00"])
def test_nothing_is_found_for_what_is_no_word(words, text):
    assert words.find(text) == []


def test_the_answer_is_bounded():
    assert len(KnownWords([f"tag {index}" for index in range(99)]).find("tag")) == MAX_FOUND
