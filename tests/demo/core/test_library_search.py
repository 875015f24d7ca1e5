"""What the page of a library finds, shows and learns, without a server."""

import errno
import io
import json
import os
import zipfile
from datetime import date

import pytest
from PIL import Image

from demo.core.library_judging import ARCHIVE, PACK, LibraryJudging
from demo.core.library_search import LibrarySearch, Query
from ram.errors import InputError
from ram.labels.tag_names import TagNames
from tests.library.test_photo_library import COUNT, folder, library, tagger  # noqa: F401


def full_disk(*given):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def search(library):  # noqa: F811
    return LibrarySearch(library)


def test_the_address_holds_the_search():
    values = {"words": " a dog ", "all": "dog, cat", "kinds": "animal", "since": "2020-01-31", "like": "3"}
    query = Query.of(values | {"most": "9999"})
    assert query == Query("a dog", ("dog", "cat"), (), ("animal",), date(2020, 1, 31), None, 3, 600)
    assert Query.of({}) == Query()
    assert Query.of({"most": "9" * 5000}) == Query()
    unlike = {"like": "../../etc/passwd"}, {"like": "9" * 5000}
    for bad in ({"since": "yesterday"}, *unlike, {"words": "x" * 301}, {"all": "x" * 999}):
        with pytest.raises(InputError):
            Query.of(bad)


def test_photos_come_with_tags_and_what_is_among_them(search):
    found = search.find(Query())
    assert len(found["photos"]) == found["of"] == COUNT and not found["more"]
    first = found["photos"][0]
    assert {"row", "name", "score", "day", "tags"} == set(first) and first["tags"][0]["thumb"] == 0
    assert found["facets"]["object"][0] == {"tag": "dog", "name": "dog", "count": COUNT}
    assert json.loads(json.dumps(found)) == found
    assert search.find(Query(most=5))["more"] and len(search.find(Query(words="a dog", most=5))["photos"]) == 5
    likened = search.find(Query(like=first["row"]))["photos"]
    assert len(likened) == COUNT - 1 and first["row"] not in [photo["row"] for photo in likened]


def test_tags_are_named_in_the_language_of_the_page(library):  # noqa: F811
    search = LibrarySearch(library, TagNames({"dog": "Hund", "cat": "Katze"}))
    assert search.find(Query())["facets"]["object"][0]["name"] == "Hund"
    assert search.complete("hu") == search.complete("DO") == [{"tag": "dog", "name": "Hund"}]
    assert len(search.find(Query(all=("Hund",)))["photos"]) == COUNT and search.complete("") == []


def test_photos_are_shown_small_and_only_from_inside(search, library, folder, tmp_path):  # noqa: F811
    row = next(iter(library.index.rows().tolist()))
    with Image.open(io.BytesIO(search.picture(row, "small"))) as shown:
        assert shown.format == "JPEG" and max(shown.size) <= 320
    assert search.picture(999, "small") is None and search.picture(row, "huge") is None
    path = folder / library.index.photo(row).path
    path.unlink()
    Image.new("RGB", (9, 9)).save(tmp_path / "secret.png")
    os.symlink(tmp_path / "secret.png", path)
    assert search.picture(row, "large") is None, "a link that leads outside"


def test_thumbs_are_kept_and_learned_from(search, library):  # noqa: F811
    judging = LibraryJudging(search)
    rows = library.index.rows().tolist()
    assert judging.judge({"row": rows[0], "tag": "Cat", "thumb": -1}) == {"tag": "cat"}
    assert judging.judge({"row": rows[0], "tag": "my bicycle", "thumb": 1}) == {"tag": "my bicycle"}
    photo = next(one for one in search.find(Query())["photos"] if one["row"] == rows[0])
    assert {"tag": "my bicycle", "name": "my bicycle", "probability": None, "thumb": 1} in photo["tags"]
    for bad in ({}, {"row": "1", "tag": "dog", "thumb": 1}, {"row": rows[0], "tag": "dog", "thumb": 5}):
        with pytest.raises(InputError, match="a thumb is"):
            judging.judge(bad)
    assert {"cat", "my bicycle"} >= {one["tag"] for one in judging.learn({})["learned"]}


def test_an_own_tagger_is_trained_and_taken_home(search, library, monkeypatch):  # noqa: F811
    judging = LibraryJudging(search)
    rows = library.index.rows().tolist()
    with pytest.raises(InputError, match="mark more photos"):
        judging.train({})
    assert judging.made(PACK) is None and judging.made("../library.sqlite") is None
    for row in rows[:5]:
        judging.judge({"row": row, "tag": "cat", "thumb": 1})
    for row in rows[5:]:
        judging.judge({"row": row, "tag": "cat", "thumb": -1})
    made = judging.train({})
    assert made["photos"] == COUNT and [one["tag"] for one in made["labels"]] == ["cat"]
    assert json.dumps(made) and judging.made(ARCHIVE).stat().st_size > 1000
    pack = library.tagger.load_pack(judging.made(PACK))
    assert pack.vocabulary.tags == ("cat",)
    assert sorted(path.name for path in (library.home / "own").iterdir()) == [ARCHIVE, PACK]
    kept = judging.made(ARCHIVE).read_bytes()
    monkeypatch.setattr("shutil.make_archive", full_disk)
    with pytest.raises(OSError, match="No space left"):
        judging.train({})
    assert judging.made(ARCHIVE).read_bytes() == kept and judging.made(PACK).is_file()
    with zipfile.ZipFile(judging.made(ARCHIVE)) as archive:
        assert "config.json" in archive.namelist()
