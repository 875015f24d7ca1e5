"""The description cache: what was said is kept, whatever happens to the run or the folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ram.describers import DescriberError
from ram.describers.cache import CachedDescriber, CachedDescription, DescriptionCache


class Scripted:
    """Says its sentences and counts the calls; fails before the sentence named."""

    name = "scripted"

    def __init__(self, *sentences: str, fails_at: int | None = None, fingerprint: str = "1") -> None:
        self.sentences = sentences
        self.fails_at = fails_at
        self.fingerprint = fingerprint
        self.calls = 0

    def describe(self, tag: str) -> Iterator[str]:
        self.calls += 1
        for place, sentence in enumerate(self.sentences):
            if place == self.fails_at:
                raise DescriberError("It broke.")
            yield sentence


class ScriptedResumable(Scripted):
    """The same, and it can go on from where it stopped."""

    def __init__(self, *sentences: str, fails_at: int | None = None) -> None:
        super().__init__(*sentences, fails_at=fails_at)
        self.held: tuple[str, ...] = ()

    def resume(self, tag: str, held: Sequence[str]) -> Iterator[str]:
        self.held = tuple(held)
        yield from self.sentences[len(held) :]


def test_a_described_tag_is_not_asked_for_again(tmp_path: Path) -> None:
    describer = Scripted("one", "two")
    cached = CachedDescriber(describer, DescriptionCache(tmp_path / "new" / "folder"))
    assert list(cached.describe("Corgi")) == ["one", "two"]
    again = CachedDescriber(describer, DescriptionCache(tmp_path / "new" / "folder"))
    assert list(again.describe(" corgi ")) == ["one", "two"]
    assert describer.calls == 1


def test_another_tag_or_fingerprint_is_another_entry(tmp_path: Path) -> None:
    cache = DescriptionCache(tmp_path)
    cache.put("corgi", "model a", ["one"], complete=True)
    assert cache.get("corgi", "model b") is None
    assert cache.get("kite", "model a") is None
    assert cache.get("CORGI", "model a") == CachedDescription(("one",), True)


def test_an_interrupted_description_goes_on_where_it_stopped(tmp_path: Path) -> None:
    cache = DescriptionCache(tmp_path)
    with pytest.raises(DescriberError):
        list(CachedDescriber(ScriptedResumable("a", "b", "c", fails_at=2), cache).describe("corgi"))
    assert cache.get("corgi", "1") == CachedDescription(("a", "b"), False)
    healthy = ScriptedResumable("a", "b", "c")
    assert list(CachedDescriber(healthy, cache).describe("corgi")) == ["a", "b", "c"]
    assert healthy.held == ("a", "b") and healthy.calls == 0
    assert cache.get("corgi", "1") == CachedDescription(("a", "b", "c"), True)


def test_a_describer_that_cannot_resume_says_nothing_twice(tmp_path: Path) -> None:
    cache = DescriptionCache(tmp_path)
    cache.put("corgi", "1", ["a"], complete=False)
    assert list(CachedDescriber(Scripted("a", "b"), cache).describe("corgi")) == ["a", "b"]


def test_sentences_heard_before_the_reader_left_are_kept(tmp_path: Path) -> None:
    cache = DescriptionCache(tmp_path)
    stream = CachedDescriber(Scripted("a", "b", "c"), cache).describe("corgi")
    assert next(stream) == "a"
    stream.close()  # type: ignore[attr-defined]
    assert cache.get("corgi", "1") == CachedDescription(("a",), False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"3",
        b'{"tag": "corgi", "fingerprint": "1", "complete": true}',
        b'{"tag": "corgi", "fingerprint": "1", "complete": true, "sentences": "a dog"}',
        b'{"tag": "corgi", "fingerprint": "1", "complete": true, "sentences": [3]}',
        b'{"tag": "kite", "fingerprint": "1", "complete": true, "sentences": ["a"]}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_entry_counts_as_unknown(tmp_path: Path, content: bytes) -> None:
    cache = DescriptionCache(tmp_path)
    cache.put("corgi", "1", ["old"], complete=True)
    (entry,) = tmp_path.iterdir()
    entry.write_bytes(content)
    assert cache.get("corgi", "1") is None
    assert list(CachedDescriber(Scripted("new"), cache).describe("corgi")) == ["new"]
    assert json.loads(entry.read_text(encoding="utf-8"))["sentences"] == ["new"]


def test_a_hostile_tag_stays_inside_the_folder(tmp_path: Path) -> None:
    cache = DescriptionCache(tmp_path / "cache")
    cache.put("../../etc/passwd", "1", ["a"], complete=True)
    (entry,) = (tmp_path / "cache").iterdir()
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert entry.stem.isalnum()
    assert cache.get("../../etc/passwd", "1") == CachedDescription(("a",), True)


def test_a_folder_that_cannot_be_written_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    cached = CachedDescriber(Scripted("a", "b"), DescriptionCache(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        assert list(cached.describe("corgi")) == ["a", "b"]
    assert len(caplog.records) == 1 and "cannot be written" in caplog.text


def test_a_full_disk_leaves_the_old_entry_and_no_leftovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache = DescriptionCache(tmp_path)
    cache.put("corgi", "1", ["old"], complete=False)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ram.describers.cache.os.replace", full)
    cache.put("corgi", "1", ["old", "new"], complete=True)
    assert cache.get("corgi", "1") == CachedDescription(("old",), False)
    assert len(list(tmp_path.iterdir())) == 1
    assert "No space left" in caplog.text
