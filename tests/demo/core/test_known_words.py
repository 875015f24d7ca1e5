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


def test_names_in_the_visitors_language_come_before_english_words():
    words = KnownWords(["dog", "hunter", "hut"], LEXICON, {"de": ["Hund", "Hündin", "HUT"], "zh-CN": ["狗"]})
    assert [one.word for one in words.find("hu", "de")] == ["Hund", "Hündin", "HUT", "hunter"]
    assert words.find("狗", "zh-CN") == [Completion("狗", True)] and words.find("狗", "de") == []
    assert [one.word for one in words.find("hu")] == [one.word for one in words.find("hu", "xx")] == ["hunter", "hut"]
    assert [one.word for one in words.find("corgi", "de")] == ["corgi", "Welsh corgi"]


def test_names_do_not_displace_more_than_the_bound():
    many = [f"hund {index}" for index in range(99)]
    assert [one.word for one in KnownWords(many, None, {"de": many}).find("hund", "de")] == many[:MAX_FOUND]


@pytest.mark.parametrize("text", ["", "   ", "x" * 61, "zzz", "<b", "%", "\x00"])
def test_nothing_is_found_for_what_is_no_word(words, text):
    assert words.find(text) == []


def test_the_answer_is_bounded():
    assert len(KnownWords([f"tag {index}" for index in range(99)]).find("tag")) == MAX_FOUND
