"""The description cache: what was said is kept, whatever happens to the run or the folder."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ram.describers.base import DescribedSentence, describe_with_fallback
from ram.describers.description_cache import CachedDescriber, CachedDescription, DescriptionCache
from ram.errors import DescriberError
from tests.paths import ROOT

KEPT_AS = "scripted: 1"
"""Describer and fingerprint under which the sentences of `Scripted` are kept."""


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


def test_what_is_kept_is_told_from_what_is_new_and_costs_nothing(tmp_path: Path) -> None:
    cache = DescriptionCache(tmp_path)
    cache.put("corgi", KEPT_AS, ["one"], complete=False)

    def heard() -> list[tuple[str, bool]]:
        cached = CachedDescriber(Scripted("one", "two"), cache)
        parts = describe_with_fallback(cached, cached, "Corgi")
        return [(part.text, part.remembered) for part in parts if isinstance(part, DescribedSentence)]

    assert heard() == [("one", True), ("two", False)]
    assert heard() == [("one", True), ("two", True)]


def test_a_tag_of_the_same_fingerprint_but_another_describer_is_another_entry(tmp_path: Path) -> None:
    other = Scripted("two")
    other.name = "other"
    assert list(CachedDescriber(Scripted("one"), DescriptionCache(tmp_path)).describe("corgi")) == ["one"]
    assert list(CachedDescriber(other, DescriptionCache(tmp_path)).describe("corgi")) == ["two"]


def test_what_is_unfinished_never_takes_the_place_of_what_has_come_further(tmp_path: Path) -> None:
    here, elsewhere = DescriptionCache(tmp_path), DescriptionCache(tmp_path)
    here.put("corgi", "1", ["a", "b"], complete=False)
    elsewhere.put("corgi", "1", ["c"], complete=False)
    assert here.get("corgi", "1") == CachedDescription(("a", "b"), False)
    elsewhere.put("corgi", "1", ["c", "d", "e"], complete=True)
    here.put("corgi", "1", ["a", "b", "c", "d"], complete=False)
    assert here.get("corgi", "1") == CachedDescription(("c", "d", "e"), True)
    assert len(list(tmp_path.iterdir())) == 1


WRITER = """
import sys
from ram.describers.description_cache import DescriptionCache
cache, me = DescriptionCache(sys.argv[1]), sys.argv[2]
for turn in range(150):
    said = [f"{me} says {place} of {turn}" for place in range(40)]
    cache.put("corgi", "1", said, complete=True)
    cache.put(f"tag of {me}", "1", said, complete=False)
    held = cache.get("corgi", "1")
    assert held is not None and held.complete and len(held.sentences) == 40, held
    assert len({text.split()[0] for text in held.sentences}) == 1, held
"""


def test_several_processes_write_and_read_the_same_entry_and_see_it_whole(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", WRITER, str(tmp_path), f"process{number}"] for number in range(3)]
    writers = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for command in commands]
    ends = [writer.communicate(timeout=120)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], ends
    assert not list(tmp_path.glob("*.part"))
    for number in range(3):
        held = DescriptionCache(tmp_path).get(f"tag of process{number}", "1")
        assert held is not None and held.sentences[0] == f"process{number} says 0 of 149"


FULL_DISK = """
import resource, sys
from ram.describers.description_cache import CachedDescriber, DescriptionCache
class Model:
    name, fingerprint = "model", "1"
    def describe(self, tag):
        yield from (f"sentence {place} about {tag}" for place in range(30))
resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))
sys.stdout.write(str(len(list(CachedDescriber(Model(), DescriptionCache(sys.argv[1])).describe("corgi")))))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of a process")
def test_a_disk_that_is_really_full_costs_no_sentence_and_keeps_what_fitted(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (0, "30"), run.stderr
    assert run.stderr.startswith("descriptions are not kept,") and len(run.stderr.splitlines()) == 1
    held = DescriptionCache(tmp_path).get("corgi", "model: 1")
    assert held is not None and not held.complete and 5 < len(held.sentences) < 30
    assert len(list(tmp_path.iterdir())) == 1


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
    assert cache.get("corgi", KEPT_AS) == CachedDescription(("a", "b"), False)
    healthy = ScriptedResumable("a", "b", "c")
    assert list(CachedDescriber(healthy, cache).describe("corgi")) == ["a", "b", "c"]
    assert healthy.held == ("a", "b") and healthy.calls == 0
    assert cache.get("corgi", KEPT_AS) == CachedDescription(("a", "b", "c"), True)


def test_a_describer_that_cannot_resume_says_nothing_twice(tmp_path: Path) -> None:
    cache = DescriptionCache(tmp_path)
    cache.put("corgi", KEPT_AS, ["a"], complete=False)
    assert list(CachedDescriber(Scripted("a", "b"), cache).describe("corgi")) == ["a", "b"]


def test_sentences_heard_before_the_reader_left_are_kept(tmp_path: Path) -> None:
    cache = DescriptionCache(tmp_path)
    stream = CachedDescriber(Scripted("a", "b", "c"), cache).describe("corgi")
    assert next(stream) == "a"
    stream.close()  # type: ignore[attr-defined]
    assert cache.get("corgi", KEPT_AS) == CachedDescription(("a",), False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"3",
        b'{"tag": "corgi", "fingerprint": "scripted: 1", "complete": true}',
        b'{"tag": "corgi", "fingerprint": "scripted: 1", "complete": true, "sentences": "a dog"}',
        b'{"tag": "corgi", "fingerprint": "scripted: 1", "complete": true, "sentences": [3]}',
        b'{"tag": "kite", "fingerprint": "scripted: 1", "complete": true, "sentences": ["a"]}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_entry_counts_as_unknown(tmp_path: Path, content: bytes) -> None:
    cache = DescriptionCache(tmp_path)
    cache.put("corgi", KEPT_AS, ["old"], complete=True)
    (entry,) = tmp_path.iterdir()
    entry.write_bytes(content)
    assert cache.get("corgi", KEPT_AS) is None
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

    monkeypatch.setattr("ram.describers.description_cache.os.replace", full)
    cache.put("corgi", "1", ["old", "new"], complete=True)
    assert cache.get("corgi", "1") == CachedDescription(("old",), False)
    assert len(list(tmp_path.iterdir())) == 1
    assert "No space left" in caplog.text
