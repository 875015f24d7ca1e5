"""Tag descriptions keep order, origin and sentences, in memory and in files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ram.errors import InputError
from ram.text.descriptions import Origin, TagDescriptions

OFFICIAL = [{"corgi": ["a photo of a corgi.", "a small dog"]}, {"jeans": ["blue trousers"]}]


def test_the_official_form_is_read_and_written_unchanged(tmp_path: Path) -> None:
    (tmp_path / "official.json").write_text(json.dumps(OFFICIAL), encoding="utf-8")
    descriptions = TagDescriptions.load(tmp_path / "official.json")
    assert descriptions.tags == ("corgi", "jeans")
    assert descriptions["corgi"] == ("a photo of a corgi.", "a small dog")
    assert descriptions.to_json()["descriptions"] == OFFICIAL


def test_the_origin_is_saved_beside_the_official_form(tmp_path: Path) -> None:
    origin = Origin("openai", "some-model at host", "corgi fell back")
    descriptions = TagDescriptions({"café": ["a café."]}, origin)
    descriptions.save(tmp_path / "mine.json")
    document = json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))
    assert document["origin"] == {
        "describer": "openai",
        "fingerprint": "some-model at host",
        "note": "corgi fell back",
    }
    assert document["descriptions"] == [{"café": ["a café."]}]
    assert TagDescriptions.load(tmp_path / "mine.json") == descriptions


def test_a_plain_mapping_is_read() -> None:
    assert TagDescriptions.from_json({"corgi": ["a dog"], "kite": ["a toy"]}).tags == ("corgi", "kite")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (3, "have to look like"),
        ([["corgi"]], "have to look like"),
        ({"origin": {}}, "have to look like"),
        ([{"corgi": "a dog"}], "list of sentences"),
        ([{"corgi": []}], "no description"),
        ([{"corgi": [3]}], "not text"),
        ([{" ": ["a dog"]}], "no tag"),
        ([{"corgi": ["a dog"]}, {"corgi": ["a cat"]}], "described twice"),
        ({"origin": {"describer": 3}, "descriptions": []}, "has to be text"),
    ],
)
def test_another_form_is_an_error(document: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        TagDescriptions.from_json(document)


def test_an_unreadable_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("[{", encoding="utf-8")
    with pytest.raises(InputError, match="broken.json is not JSON"):
        TagDescriptions.load(tmp_path / "broken.json")
    (tmp_path / "list.json").write_text("[3]", encoding="utf-8")
    with pytest.raises(InputError, match="list.json holds no descriptions: descriptions have to look like"):
        TagDescriptions.load(tmp_path / "list.json")
    with pytest.raises(InputError, match="missing.json cannot be read"):
        TagDescriptions.load(tmp_path / "missing.json")


def test_select_first_and_join_keep_order_and_origin() -> None:
    mine = TagDescriptions({"a": ["1", "2"], "b": ["3"]}, Origin("lexicon"))
    other = TagDescriptions({"c": ["4"]}, Origin("template"))
    assert dict(mine.select(["b", "a"])) == {"b": ("3",), "a": ("1", "2")}
    assert mine.select(["b", "a"]).tags == ("b", "a")
    assert dict(mine.first(1)) == {"a": ("1",), "b": ("3",)}
    assert mine.first(None) == mine
    assert mine.join(other).tags == ("a", "b", "c")
    assert mine.join(other).origin.describer == "lexicon + template"
    with pytest.raises(InputError, match='"c" is not described'):
        mine.select(["c"])
    with pytest.raises(InputError, match='"a" is described in both'):
        mine.join(mine)
    with pytest.raises(InputError, match="at least 1"):
        mine.first(0)


def test_descriptions_do_not_share_the_given_lists() -> None:
    given = {"a": ["1"]}
    descriptions = TagDescriptions(given)
    given["a"].append("2")
    given["b"] = ["3"]
    assert dict(descriptions) == {"a": ("1",)}


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    (tmp_path / "marked.json").write_text("\ufeff" + json.dumps(OFFICIAL), encoding="utf-8")
    assert TagDescriptions.load(tmp_path / "marked.json").tags == ("corgi", "jeans")
