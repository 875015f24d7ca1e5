"""The prompt ensemble and the English it is worded in."""

from __future__ import annotations

import pytest

from ram.describers.template import TemplateDescriber, is_template
from ram.describers.wording import article, gerund, is_mass, is_plural, plain_prompt, singulars


@pytest.mark.parametrize(
    ("tag", "prompt"),
    [
        ("corgi", "a photo of a corgi."),
        ("Corgi", "a photo of a corgi."),
        ("meteor shower", "a photo of a meteor shower."),
        ("umbrella", "a photo of an umbrella."),
        ("unicorn", "a photo of a unicorn."),
        ("hourglass", "a photo of an hourglass."),
        ("SUV", "a photo of an SUV."),
        ("8-ball", "a photo of an 8-ball."),
        ("jeans", "a photo of jeans."),
        ("bus", "a photo of a bus."),
        ("glass", "a photo of a glass."),
        ("people", "a photo of people."),
        ("snow", "a photo of snow."),
        ("photography", "a photo of photography."),
        ("two dogs", "a photo of two dogs."),
        ("a dog", "a photo of a dog."),
        ("run", "a photo of someone running."),
        ("surfing", "a photo of someone surfing."),
        ("play tennis", "a photo of someone playing tennis."),
        ("rock climbing", "a photo of someone rock climbing."),
        ("swimming pool", "a photo of a swimming pool."),
        ("race car", "a photo of a race car."),
        ("slide", "a photo of a slide."),
        ("wedding", "a photo of a wedding."),
        ("red", "a photo of something red."),
        ("shirtless", "a photo of someone shirtless."),
        ("Empire State Building", "a photo of Empire State Building."),
    ],
)
def test_the_plain_prompt_is_english(tag: str, prompt: str) -> None:
    assert plain_prompt(tag) == prompt
    assert next(TemplateDescriber().describe(tag)) == prompt


@pytest.mark.parametrize("tag", ["corgi", "running", "red", "shirtless", "slide", "jeans", "x"])
def test_a_tag_gets_five_to_twelve_different_sentences(tag: str) -> None:
    sentences = list(TemplateDescriber().describe(tag))
    assert 5 <= len(sentences) <= 12
    assert len({sentence.casefold() for sentence in sentences}) == len(sentences)
    assert all(sentence.endswith(".") and "  " not in sentence for sentence in sentences)


def test_a_tag_is_normalised_and_checked() -> None:
    assert next(TemplateDescriber().describe(" cor\u202egi\n")) == "a photo of a corgi."
    with pytest.raises(ValueError, match="no letter"):
        next(TemplateDescriber().describe("?"))


def test_words_are_inflected() -> None:
    assert [gerund(verb) for verb in ("run", "ride", "lie", "play", "see", "read", "quit", "ski")] == [
        "running",
        "riding",
        "lying",
        "playing",
        "seeing",
        "reading",
        "quitting",
        "skiing",
    ]
    for plural, singular in {
        "dogs": "dog",
        "puppies": "puppy",
        "knives": "knife",
        "wolves": "wolf",
        "boxes": "box",
        "churches": "church",
        "glasses": "glass",
        "potatoes": "potato",
        "children": "child",
        "teddy bears": "teddy bear",
    }.items():
        assert singular in singulars(plural)
    assert not list(singulars("bus")) and not list(singulars("tennis"))
    assert is_plural("sunglasses") and not is_plural("octopus")
    assert is_mass("furniture") and is_mass("underwear") and not is_mass("building")
    assert [article(word) for word in ("european", "one", "honest", "x-ray", "eagle", "yacht")] == [
        "a",
        "a",
        "an",
        "an",
        "an",
        "a",
    ]


@pytest.mark.parametrize("tag", ["corgi", "two dogs", "slide", "run", "red", "crane (bird)", "traffic_light"])
def test_every_template_is_known_as_one(tag: str) -> None:
    for sentence in TemplateDescriber().describe(tag):
        assert is_template(sentence, tag)
        assert is_template(sentence.upper().rstrip("."), tag)


@pytest.mark.parametrize(
    ("sentence", "tag", "expected"),
    [
        ("a photo of a crane, a bird.", "crane (bird)", True),
        ("there is a crane.", "crane (bird)", True),
        ("a photo of a teddy bear.", "teddy bears", True),
        ("a photo of a crane, a machine.", "crane (bird)", False),
        ("a photo of a corgi on a lawn.", "corgi", False),
        ("a photo of a cat.", "corgi", False),
        ("a corgi, a kind of dog.", "corgi", False),
        ("short legs and upright ears", "corgi", False),
        ("a photo of a <b>.", "<b>", False),
    ],
)
def test_a_template_says_the_name_and_no_more(sentence: str, tag: str, expected: bool) -> None:
    assert is_template(sentence, tag) is expected
