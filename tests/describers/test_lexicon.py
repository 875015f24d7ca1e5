"""The offline describer: senses, kinds and looks of words, from a small book and from the installed one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ram.describers.lexicon.describer import LexiconDescriber
from ram.describers.lexicon.domain_offsets import first_offsets
from ram.describers.lexicon.glosses import opening, plain_gloss
from ram.describers.lexicon.synsets import Lexicon, Synset
from ram.describers.lexicon.tables import everyday_synsets
from ram.errors import DescriberError
from tests.paths import ROOT


@pytest.fixture(scope="module")
def installed() -> LexiconDescriber:
    return LexiconDescriber(Lexicon.installed())


@pytest.fixture
def small() -> LexiconDescriber:
    """A book whose glosses are written here, so that the wording has an oracle."""
    return LexiconDescriber(
        Lexicon(
            [
                Synset(("hound",), "a dog that hunts", "animal", photos=2),
                Synset(("dog", "Canis familiaris", "pet dog"), "barking animal with fur and a tail", "animal"),
                Synset(("animal",), "a living thing", "animal"),
                Synset(("bass",), "a fish with spiny fins (of Europe); found in rivers", "animal", photos=3),
                Synset(("bass", "bass guitar"), "a guitar having four thick strings", "artifact", photos=3),
                Synset(("guitar",), "an instrument; usually has six strings; source of joy", "artifact"),
                Synset(("fish",), "an animal living in water", "animal"),
                Synset(("red", "redness"), "a colour", "attribute"),
                Synset(("toy",), "a plaything", "artifact"),
            ]
        )
    )


def test_a_word_is_told_by_kind_gloss_parts_and_names(small: LexiconDescriber) -> None:
    sentences = list(small.describe("dog"))
    assert sentences == [
        "a photo of a dog.",
        "there is a dog.",
        "a dog, a kind of animal.",
        "a dog, a barking animal with fur and a tail.",
        "a dog with fur and a tail.",
        "a dog, also called a pet dog.",
    ]


def test_later_clauses_are_used_only_if_about_looks(small: LexiconDescriber) -> None:
    sentences = list(small.describe("guitar"))
    assert "a guitar usually has six strings." in sentences
    assert not any("joy" in sentence for sentence in sentences)


def test_two_unlike_senses_are_both_described(small: LexiconDescriber) -> None:
    sentences = list(small.describe("bass"))
    assert "a bass, a kind of fish." in sentences
    assert "a bass, found in rivers." in sentences
    assert "a bass, a guitar having four thick strings." in sentences
    assert [synset.names[0] for synset in small._lexicon.synsets("bass")] == ["bass", "bass"]


def test_a_modifier_narrows_its_head(small: LexiconDescriber) -> None:
    assert "a red guitar, a kind of instrument." not in list(small.describe("red guitar"))
    assert "a red guitar, an instrument." in list(small.describe("red guitar"))
    assert "a sleeping dog, a kind of animal." in list(small.describe("sleeping dog"))


def test_behind_a_noun_an_ambiguous_head_is_only_named(small: LexiconDescriber) -> None:
    sentences = list(small.describe("toy bass"))
    assert "a toy bass, a kind of bass." in sentences
    assert not any("fins" in sentence or "strings" in sentence for sentence in sentences)
    assert "a toy dog, a barking animal with fur and a tail." in list(small.describe("toy dog"))


def test_a_plural_is_described_in_the_singular(small: LexiconDescriber) -> None:
    sentences = list(small.describe("two dogs"))
    assert sentences[0] == "a photo of two dogs."
    assert "a dog, a kind of animal." in sentences


def test_an_unknown_word_falls_back_to_templates_and_says_so(small: LexiconDescriber) -> None:
    assert not small.knows("zorgle") and small.knows("dogs") and small.knows("red") and small.knows("running")
    sentences = list(small.describe("zorgle"))
    assert len(sentences) >= 5 and all("zorgle" in sentence for sentence in sentences)
    assert not small.knows("Pet Hound Dog") and small.knows("pet hound dog")


def test_the_genus_is_the_noun_a_gloss_starts_from() -> None:
    gloss = "any of several breeds of long-bodied (short) hunting dogs with erect ears"
    assert opening(gloss) == ["long-bodied", "hunting", "dogs"]
    assert plain_gloss("a `thing' (odd) ; and another") == "a 'thing'; and another"


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("corgi", "dog"),
        ("guitar", "stringed instrument"),
        ("kite", "toy"),
        ("crane", "machine"),
        ("crane", "bird"),
        ("mouse", "rodent"),
        ("mouse", "device"),
        ("red bus", "vehicle"),
        ("kayak", "canoe"),
        ("party hats", "hat"),
        ("axolotl", "salamander"),
    ],
)
def test_everyday_words_are_known_by_the_kind_people_mean(installed: LexiconDescriber, tag: str, kind: str) -> None:
    assert any(f"a kind of {kind}." in sentence for sentence in installed.describe(tag))


def test_the_corgi_is_described_by_its_looks(installed: LexiconDescriber) -> None:
    sentences = list(installed.describe("corgi"))
    assert sentences[0] == "a photo of a corgi."
    assert "a corgi with erect ears and a fox-like head." in sentences
    assert "a corgi, also called a Welsh corgi." in sentences


def test_every_tag_gets_five_to_twelve_clean_sentences(installed: LexiconDescriber) -> None:
    names = sorted(installed._lexicon.names)[::60]
    assert len(names) > 300
    for tag in names:
        if len(tag) > 60:
            continue
        sentences = list(installed.describe(tag))
        assert 5 <= len(sentences) <= 12, tag
        assert len(set(sentences)) == len(sentences), tag
        for sentence in sentences:
            assert sentence.endswith(".") and "  " not in sentence and ";" not in sentence, sentence
        assert sentences == list(installed.describe(tag))


def test_our_own_sights_are_well_formed() -> None:
    senses = list(everyday_synsets())
    assert len(senses) > 200
    for sense in senses:
        assert sense.kind and len(sense.gloss.split()) >= 3, sense
        assert not sense.gloss.endswith("."), sense
    named = [(name, sense.kind) for sense in senses for name in sense.names]
    assert len(set(named)) == len(named)


def test_starting_loads_neither_torch_nor_timm() -> None:
    code = (
        "import sys; from ram.describers.loading import load_describer;"
        "list(load_describer('lexicon', environ={}).describe('corgi'));"
        "sys.exit(any(name in sys.modules for name in ('torch', 'timm', 'openai')))"
    )
    root = ROOT
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_a_missing_or_changed_timm_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ram.describers.lexicon.tables.importlib.util.find_spec", lambda name: None)
    with pytest.raises(DescriberError, match="needs the timm package"):
        Lexicon.installed()
    monkeypatch.undo()
    monkeypatch.setattr("ram.describers.lexicon.tables._PHOTOGRAPHED", ("gone.txt",))
    with pytest.raises(DescriberError, match="cannot read the ImageNet names"):
        Lexicon.installed()


@pytest.mark.parametrize(
    ("tag", "sentence"),
    [
        ("traffic_light", "a traffic light, a kind of light."),
        ("teddy_bear", "a photo of a teddy bear."),
        ("café", "a café, a kind of restaurant."),
        ("crane (bird)", "a crane, a kind of bird."),
        ("crane (machine)", "a photo of a crane, a machine."),
        ("crane_(machine)", "a crane, a tall steel machine with a long arm."),
        ("cat_(animal)", "a photo of a cat, an animal."),
        ("mouse (device)", "a mouse, a kind of device."),
        ("seal (marine mammal)", "a seal, a kind of mammal."),
        ("kite (bird of prey)", "a photo of a kite, a bird of prey."),
    ],
)
def test_underscores_accents_and_senses_find_the_word(installed: LexiconDescriber, tag: str, sentence: str) -> None:
    assert installed.knows(tag)
    assert sentence in list(installed.describe(tag))


def test_a_sense_in_brackets_excludes_the_others(installed: LexiconDescriber) -> None:
    bird, machine = (" ".join(installed.describe(f"crane ({sense})")) for sense in ("bird", "machine"))
    assert "beak" in bird and "steel" not in bird
    assert "steel" in machine and "beak" not in machine


@pytest.mark.parametrize("tag", ["crane (poem)", "train (2)"])
def test_an_unknown_sense_gets_templates(installed: LexiconDescriber, tag: str) -> None:
    assert not installed.knows(tag)
    assert all(tag in sentence for sentence in installed.describe(tag))


def test_first_offsets_are_those_of_each_file_of_wordnet() -> None:
    lines = [
        "  1 This software and database is being provided to you",
        "00001740 03 n 01 entity 0 003 ~ 00001930 n 0000 | that which is perceived",
        "00001930 03 n 01 physical_entity 0 001 @ 00001740 n 0000 | an entity",
        "00030358 04 n 02 act 0 deed 0 001 @ 00029378 n 0000 | something that people do",
        "07480068 12 n 01 feeling 0 001 @ 00024720 n 0000 | the experiencing of affective states",
        "07555863 13 n 02 food 0 nutrient 0 001 @ 00020827 n 0000 | any substance that can be metabolized",
    ]
    assert list(first_offsets(lines)) == [(1740, "top"), (30358, "act"), (7480068, "other"), (7555863, "food")]
