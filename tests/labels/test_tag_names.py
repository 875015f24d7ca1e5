"""Names of tags in other languages."""

import pytest

from ram.errors import InputError
from ram.labels.tag_names import LANGUAGES, TagNames, kind_names, load_names
from ram.labels.tag_tree import shipped_tree
from ram.text.files import package_file, read_table
from ram.text.vocabulary import TagVocabulary


def test_there_are_at_least_six_languages():
    assert len(LANGUAGES) >= 6
    names = {language: load_names(language) for language in LANGUAGES}
    assert [names[code]["dog"] for code in LANGUAGES] == ["Hund", "perro", "chien", "cane", "cão", "狗"]
    assert names["de"]["seal"] == "Robbe" and names["fr"]["kite"] == "cerf-volant", "by sense"
    assert all(len(own) == len(names["de"]) > 500 for own in names.values())
    assert set(kind_names(names["de"]).values()) == {"Objekt", "Szene", "Eigenschaft", "Tätigkeit"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_tags_of_a_kind_have_one_name(language):
    taken = {}
    for _, row in read_table(package_file("labels/languages/tags.csv"), ("tag", language)):
        key = (row[language].casefold(), shipped_tree().kind(row["tag"]))
        assert key not in taken, (row["tag"], taken.get(key), key)
        taken[key] = row["tag"]


def test_a_tag_without_a_name_keeps_its_own():
    names = TagNames({"dog": "Hund"})
    assert (names["Dog"], names["kite"], "kite" in names) == ("Hund", "kite", False)
    assert names.tags(["hund", "kite"]) == ["dog", "kite"]
    vocabulary = TagVocabulary(("dog", "kite", "lute"), (0.5,) * 3, ("狗", "风筝", ""))
    assert names.translate(vocabulary).translations == ("Hund", "风筝", "")
    assert load_names("en").translate(vocabulary) == vocabulary


def test_an_unknown_language_is_refused():
    with pytest.raises(InputError, match="tags have no names in 'xx': choose en, de"):
        load_names("xx")
