"""A library on a disk that takes no more: one sentence, and what is kept stays."""

import errno
import os
from pathlib import Path

import pytest

import ram.runtime
from ram.cli import _sentence
from ram.library import photo_library
from ram.library.photo_index import PhotoIndex, PhotoState
from ram.library.photo_library import PhotoLibrary
from ram.library.sidecars import Sidecars
from ram.runtime import quiet
from tests.library.test_photo_library import COUNT, folder, library, tagger  # noqa: F401

LONG = "x" * 100_000
"""A name that needs a page of its own, and more."""
CHANGES = {
    "add": lambda index: index.add([PhotoState(Path("a.jpg"), 2, 2), PhotoState(Path(LONG), 1, 1)], [{}, {}]),
    "set_tag": lambda index: index.set_tag(LONG, {0: 1.0}),
    "set_thumb": lambda index: index.set_thumb(0, LONG, 1),
    "save_threshold": lambda index: index.save_threshold(LONG, 0.5),
    "save_facts": lambda index: index.save_facts({"model": "other", "note": LONG}),
    "forget": lambda index: index.forget([Path("a.jpg")]),
}


@pytest.fixture
def index(tmp_path):
    made = PhotoIndex(tmp_path / "library.sqlite")
    made.save_facts({"model": "tiny"})
    made.add([PhotoState(Path("a.jpg"), 1, 1)], [{"dog": 0.25}])
    made.set_thumb(0, "dog", 1)
    made.save_threshold("dog", 0.5)
    yield made
    made.close()


def contents(index):
    return index.facts(), index.photos(), index.tags_of(0), index.thumbs(), index.thresholds()


@pytest.mark.parametrize(
    ("limit", "reason", "names"),
    [
        ("max_page_count = 1", "database or disk is full", CHANGES.keys() - {"forget"}),
        ("query_only = on", "attempt to write a readonly database", CHANGES.keys()),
    ],
)
def test_a_disk_that_takes_no_more_is_one_sentence(index, tmp_path, limit, reason, names):
    before = contents(index)
    index._database.execute(f"PRAGMA {limit}")
    for name in sorted(names):
        with pytest.raises(OSError) as told:
            CHANGES[name](index)
        assert _sentence(told.value) == f"{tmp_path / 'library.sqlite'}: {reason}", name
        assert contents(index) == before, name


def test_an_index_that_another_program_keeps_is_one_sentence(index, tmp_path):
    other = PhotoIndex(tmp_path / "library.sqlite")
    other._database.execute("BEGIN IMMEDIATE")
    index._database.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(OSError, match="database is locked"):
        index.set_tag("cat", {0: 0.5})
    other._database.rollback()
    index.set_tag("cat", {0: 0.5})
    assert index.tags_of(0) == {"cat": 0.5, "dog": 0.25}
    other.close()


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_disk_that_fails_leaves_what_was_taken_up_before(folder, tagger, monkeypatch, fault):  # noqa: F811
    monkeypatch.setattr(photo_library, "BATCH", 4)
    made, synced = PhotoLibrary(folder, tagger), []

    def full(handle):
        synced.append(handle)
        if len(synced) == 5:  # in the second batch, after its pooled tokens
            raise OSError(errno.ENOSPC, "No space left on device")

    def refuse(what, done, total):
        if done == 4:
            made.index._database.execute("PRAGMA query_only = on")

    with monkeypatch.context() as disk:
        if fault == "full":
            disk.setattr(os, "fsync", full)
        with pytest.raises(OSError) as told:
            made.add(refuse if fault == "read-only" else quiet)
    reasons = {"full": ("patches.looks", "No space left on device"),
               "read-only": ("library.sqlite", "attempt to write a readonly database")}  # fmt: skip
    assert (Path(told.value.filename).name, told.value.strerror) == reasons[fault]
    assert len(made) == 4
    made.index._database.execute("PRAGMA query_only = off")
    assert made.add().photos == COUNT - 4
    whole = PhotoLibrary(folder, tagger, folder.parent / "elsewhere")
    whole.add()
    a, b = ({p.path: p.score for p in one.search("a dog", most=99)} for one in (made, whole))
    assert len(a) == COUNT and a == pytest.approx(b)


def test_a_full_disk_ends_the_writing_of_tags(library, monkeypatch):  # noqa: F811
    def full(*given, **named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ram.runtime, "_new_beside", full)
    with pytest.raises(OSError, match="No space left on device"):
        library.write(Sidecars())
