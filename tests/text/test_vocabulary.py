"""Tags keep their order, names and thresholds; a broken list is refused with the place that is wrong."""

import csv
import re

import pytest

from ram.errors import InputError
from ram.text.vocabulary import TagVocabulary

TAGS = TagVocabulary(("dog", "cat", "tree"), (0.5, 0.7, 1.0), ("狗", "猫", "树"), ("object", "object", ""))


def test_a_tag_is_known_by_name_and_position():
    assert [TAGS.id(tag) for tag in TAGS.tags] == [0, 1, 2]
    assert "cat" in TAGS and "Cat" not in TAGS and len(TAGS) == 3
    with pytest.raises(InputError, match="tag 'corgi' is not among the 3 tags"):
        TAGS.id("corgi")


@pytest.mark.parametrize(
    "tags, thresholds, translations, sentence",
    [
        (("dog", "cat", "dog"), (0.5,) * 3, (), "names 'dog' twice"),
        (("dog", " "), (0.5,) * 2, (), "holds an empty tag"),
        (("dog", "cat"), (0.5,), (), "2 tags but 1 thresholds"),
        (("dog", "cat"), (0.5, 0.5), ("狗",), "2 tags but 1 translations"),
        (("dog",), (float("inf"),), (), "threshold of 'dog' is inf"),
        (("dog",), (1.1,), (), "threshold of 'dog' is 1.1: it must lie between 0 and 1"),
        (("dog",), (-0.1,), (), "threshold of 'dog' is -0.1"),
        (("dog",), (float("nan"),), (), "threshold of 'dog' is nan"),
    ],
)
def test_a_broken_vocabulary_is_refused(tags, thresholds, translations, sentence):
    with pytest.raises(InputError, match=sentence):
        TagVocabulary(tags, thresholds, translations)


def test_unseen_tags_use_a_half():
    assert TagVocabulary.of(iter(["corgi", "meteor shower"])).thresholds == (0.5, 0.5)


def test_selecting_keeps_all_fields_in_the_order_given():
    assert TAGS.select(["tree", "dog"]) == TagVocabulary(("tree", "dog"), (1.0, 0.5), ("树", "狗"), ("", "object"))
    assert len(TAGS.select([])) == 0
    with pytest.raises(InputError, match="'corgi' is not among"):
        TAGS.select(["dog", "corgi"])


def test_joining_appends_and_leaves_missing_fields_empty():
    joined = TAGS.join(TagVocabulary.of(["corgi"]))
    assert joined == TagVocabulary(
        ("dog", "cat", "tree", "corgi"), (0.5, 0.7, 1.0, 0.5), ("狗", "猫", "树", ""), ("object", "object", "", "")
    )
    assert TagVocabulary.of(["a"]).join(TagVocabulary.of(["b"])).translations == ()
    with pytest.raises(InputError, match="names 'dog' twice"):
        TAGS.join(TagVocabulary.of(["dog"]))


@pytest.mark.parametrize(
    "vocabulary",
    [
        TAGS,
        TagVocabulary.of([]),
        TagVocabulary.of(['a "quoted" tag', "one, with comma", "on two\nlines", "=1+1", "crème brûlée"]),
        TagVocabulary(("third",), (1 / 3,)),
    ],
    ids=["translated", "empty", "awkward names", "awkward threshold"],
)
def test_a_saved_vocabulary_comes_back_the_same(vocabulary, tmp_path):
    vocabulary.save(tmp_path / "vocabulary.csv")
    assert TagVocabulary.load(tmp_path / "vocabulary.csv") == vocabulary


def test_the_file_is_what_any_csv_reader_expects(tmp_path):
    TAGS.save(tmp_path / "vocabulary.csv")
    with open(tmp_path / "vocabulary.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["tag", "threshold", "kind", "translations"]
    assert rows[1] == ["dog", "0.5", "object", "狗"]


def test_a_file_from_a_spreadsheet_is_read(tmp_path):
    """It begins with a byte order mark, ends its lines with CR LF and may order its columns otherwise."""
    path = tmp_path / "vocabulary.csv"
    path.write_bytes("\ufeffthreshold,tag\r\n0.4,dog\r\n".encode())
    assert TagVocabulary.load(path) == TagVocabulary(("dog",), (0.4,))


@pytest.mark.parametrize(
    "content, sentence",
    [
        (b"tag,threshold\ndog,0.5\ncat,often\n", "vocabulary.csv line 3: threshold 'often' is not a number"),
        (b"tag,threshold\ndog\n", "vocabulary.csv line 2: threshold '' is not a number"),
        (b"threshold,tag\n0.5\n", "holds an empty tag"),
        (b"tag,score\ndog,0.5\n", "vocabulary.csv needs the columns tag and threshold"),
        (b"", "needs the columns tag and threshold"),
        (b"tag,threshold\ndog,0.5\ndog,0.5\n", "names 'dog' twice"),
        (b"tag,threshold\n\xff\xfe,0.5\n", "is not UTF-8 text: line 2 has bytes of another encoding"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(content, sentence, tmp_path):
    (tmp_path / "vocabulary.csv").write_bytes(content)
    with pytest.raises(InputError, match=re.escape(sentence)):
        TagVocabulary.load(tmp_path / "vocabulary.csv")


def test_saving_replaces_the_file_as_a_whole(tmp_path, monkeypatch):
    path = tmp_path / "vocabulary.csv"
    TagVocabulary.of(["dog"]).save(path)
    before = path.read_bytes()
    monkeypatch.setattr(csv, "writer", lambda file, **_: file.write("tag,thr") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        TagVocabulary.of(["cat"]).save(path)
    assert path.read_bytes() == before


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match="'animal' is not a kind of tag: choose one of object, scene"):
        TagVocabulary(("dog",), (0.5,), kinds=("animal",))


def test_a_file_of_an_earlier_version_is_read(tmp_path):
    (tmp_path / "vocabulary.csv").write_text("tag,threshold,translation\ndog,0.4,狗\n", encoding="utf-8")
    assert TagVocabulary.load(tmp_path / "vocabulary.csv") == TagVocabulary(("dog",), (0.4,), ("狗",))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_of_spreadsheets_are_read(tmp_path, encoding, separator):
    table = f"tag{separator}threshold\r\nhot dog{separator}0.4\r\n"
    (tmp_path / "vocabulary.csv").write_bytes(table.encode(encoding))
    assert TagVocabulary.load(tmp_path / "vocabulary.csv") == TagVocabulary(("hot dog",), (0.4,))


@pytest.mark.parametrize(
    ("name", "tag"),
    [("dog", "dog"), ("Dog", "dog"), ("traffic_light", "traffic light"), ("cafe", "café"), ("猫", "cat")],
)
def test_a_name_finds_the_tag_that_it_means(name, tag):
    vocabulary = TAGS.join(TagVocabulary.of(["traffic light", "café"]))
    assert vocabulary.find(name) == tag
    assert vocabulary.find("corgi") is None
