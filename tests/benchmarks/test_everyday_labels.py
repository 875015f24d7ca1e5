"""The everyday label system: what would mislead training is refused."""

import pytest

from benchmarks.everyday_labels import FOLDER, check_descriptions, read_system
from benchmarks.training_data import FROM_LEXICON, TEMPLATES, Words, held_out, varied
from ram.errors import InputError
from ram.labels.exclusion import ExcludedTags
from ram.labels.hypernyms import load_kinds
from ram.labels.label_system import LabelSystem
from ram.labels.reviewed_lists import shipped_lists
from ram.text.descriptions import TagDescriptions


def row(tag, hypernyms="", synonyms="", kind="object"):
    return {"tag": tag, "kind": kind, "hypernyms": hypernyms, "synonyms": synonyms}


ROWS = [row("animal"), row("dog", "animal", "doggy"), row("corgi", "dog"), row("red", kind="attribute")]


def test_a_table_is_read_with_synonyms_kinds_and_hypernyms():
    system, kinds, hypernyms = read_system(ROWS)
    assert system.vocabulary.tags == ("animal", "dog", "corgi", "red") and system.synonyms == {"doggy": "dog"}
    assert kinds["red"] == "attribute" and hypernyms["corgi"] == {"dog", "animal"}


@pytest.mark.parametrize("bad", [row("cat", synonyms="doggy"), row("cat", synonyms="dog"), row("cat", "feline")])
def test_a_word_of_two_tags_and_an_unknown_hypernym_are_refused(bad):
    with pytest.raises(InputError):
        read_system([*ROWS, bad])


def test_a_tag_needs_eight_descriptions():
    sentences = {"dog": [f"a dog number {i}" for i in range(8)], "cat": ["a cat"]}
    assert check_descriptions(TagDescriptions(sentences), ["dog"]).tags == ("dog",)
    with pytest.raises(InputError, match="cat"):
        check_descriptions(TagDescriptions(sentences), ["dog", "cat"])


def test_words_of_training_data_never_mean_an_excluded_tag():
    lists = shipped_lists()
    banned = ExcludedTags(["horse", "motorcycle", "sofa"], lists.system, lists.lexicon)
    words = Words(LabelSystem.load(FOLDER), load_kinds(FOLDER / "kinds.csv")[1], banned)
    assert not {"horse", "motorcycle", "sofa"} & set(words.tags)
    named = {words.tags[id_] for id_ in words.read(["horses", "couch", "motorbike", "puppies", "corgi"])}
    assert {"corgi", "dog", "animal"} <= named and not {"horse", "motorcycle", "sofa", "couch"} & named


def test_varied_sentences_are_of_three_kinds_and_begin_with_the_written_ones():
    written = TagDescriptions({"dog": ("a wet dog shaking water off its coat",), "kneel": ("a man kneels on a mat",)})
    found = varied(written)
    assert found["dog"][0] == written["dog"][0] and found["kneel"][0] == written["kneel"][0]
    assert "a photo of a dog." in found["dog"] and any("animal" in text for text in found["dog"])
    assert all(len(set(found[tag])) == len(found[tag]) <= 1 + FROM_LEXICON + TEMPLATES for tag in found)


def test_an_image_stays_held_out_when_others_come():
    few, more = (held_out([f"{i}.jpg" for i in range(n)]) for n in (200, 210))
    assert len(few) == 30 and len(few & more) >= 26
