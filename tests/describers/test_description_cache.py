"""Description cache: sentences are stored and read back, whatever happens to the run or the folder."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ram.describers.base import Describer
from ram.describers.description_cache import CachedDescriber, CachedDescription, DescriptionCache
from ram.describers.fallback import DescribedSentence, describe_with_fallback
from ram.errors import DescriberError
from tests.paths import ROOT

KEY = "scripted: 1"
"""Describer and fingerprint under which the sentences of `Scripted` are stored."""


class Scripted(Describer):
    """Yields its sentences and counts the calls; fails before the sentence of an index."""

    name = "scripted"
    fingerprint = "1"

    def __init__(self, *sentences: str, fails_at: int | None = None) -> None:
        self.sentences = sentences
        self.fails_at = fails_at
        self.calls = 0

    def describe(self, tag: str) -> Iterator[str]:
        self.calls += 1
        for index, sentence in enumerate(self.sentences):
            if index == self.fails_at:
                raise DescriberError("It broke.")
            yield sentence


class ScriptedResumable(Scripted):
    """Scripted describer that can resume."""

    def __init__(self, *sentences: str, fails_at: int | None = None) -> None:
        super().__init__(*sentences, fails_at=fails_at)
        self.given: tuple[str, ...] = ()

    def resume(self, tag: str, given: Sequence[str]) -> Iterator[str]:
        self.given = tuple(given)
        yield from self.sentences[len(given) :]


def test_a_cached_tag_is_not_described_again(tmp_path: Path) -> None:
    describer = Scripted("one", "two")
    cached = CachedDescriber(describer, DescriptionCache(tmp_path / "new" / "folder"))
    assert list(cached.describe("Corgi")) == ["one", "two"]
    again = CachedDescriber(describer, DescriptionCache(tmp_path / "new" / "folder"))
    assert list(again.describe(" corgi ")) == ["one", "two"]
    assert describer.calls == 1


def test_cached_sentences_are_marked_as_cached(tmp_path: Path) -> None:
    cache = DescriptionCache(tmp_path)
    cache.put("corgi", KEY, ["one"], complete=False)

    def heard() -> list[tuple[str, bool]]:
        cached = CachedDescriber(Scripted("one", "two"), cache)
        parts = describe_with_fallback(cached, cached, "Corgi")
        return [(part.text, part.cached) for part in parts if isinstance(part, DescribedSentence)]

    assert heard() == [("one", True), ("two", False)]
    assert heard() == [("one", True), ("two", True)]


def test_the_cache_distinguishes_describers_of_one_fingerprint(tmp_path: Path) -> None:
    class Other(Scripted):
        name = "other"

    assert list(CachedDescriber(Scripted("one"), DescriptionCache(tmp_path)).describe("corgi")) == ["one"]
    assert list(CachedDescriber(Other("two"), DescriptionCache(tmp_path)).describe("corgi")) == ["two"]


def test_an_unfinished_entry_never_replaces_a_longer_one(tmp_path: Path) -> None:
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
    said = [f"{me} says {index} of {turn}" for index in range(40)]
    cache.put("corgi", "1", said, complete=True)
    cache.put(f"tag of {me}", "1", said, complete=False)
    entry = cache.get("corgi", "1")
    assert entry is not None and entry.complete and len(entry.sentences) == 40, entry
    assert len({text.split()[0] for text in entry.sentences}) == 1, entry
"""


def test_concurrent_processes_see_whole_entries(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", WRITER, str(tmp_path), f"process{number}"] for number in range(3)]
    writers = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for command in commands]
    ends = [writer.communicate(timeout=120)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], ends
    assert not list(tmp_path.glob("*.partial"))
    for number in range(3):
        held = DescriptionCache(tmp_path).get(f"tag of process{number}", "1")
        assert held is not None and held.sentences[0] == f"process{number} says 0 of 149"


FULL_DISK = """
import resource, sys
from ram.describers.description_cache import CachedDescriber, DescriptionCache
from ram.describers.base import Describer
class Model(Describer):
    name, fingerprint = "model", "1"
    def describe(self, tag):
        yield from (f"sentence {index} about {tag}" for index in range(30))
resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))
sys.stdout.write(str(len(list(CachedDescriber(Model(), DescriptionCache(sys.argv[1])).describe("corgi")))))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of a process")
def test_a_full_disk_loses_no_sentence_and_keeps_what_fits(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (0, "30"), run.stderr
    assert run.stderr.startswith("descriptions are not stored,") and len(run.stderr.splitlines()) == 1
    held = DescriptionCache(tmp_path).get("corgi", "model: 1")
    assert held is not None and not held.complete and 5 < len(held.sentences) < 30
    assert len(list(tmp_path.iterdir())) == 1


def test_another_tag_or_fingerprint_is_another_entry(tmp_path: Path) -> None:
    cache = DescriptionCache(tmp_path)
    cache.put("corgi", "model a", ["one"], complete=True)
    assert cache.get("corgi", "model b") is None
    assert cache.get("kite", "model a") is None
    assert cache.get("CORGI", "model a") == CachedDescription(("one",), True)


def test_an_interrupted_description_is_resumed(tmp_path: Path) -> None:
    cache = DescriptionCache(tmp_path)
    with pytest.raises(DescriberError):
        list(CachedDescriber(ScriptedResumable("a", "b", "c", fails_at=2), cache).describe("corgi"))
    assert cache.get("corgi", KEY) == CachedDescription(("a", "b"), False)
    healthy = ScriptedResumable("a", "b", "c")
    assert list(CachedDescriber(healthy, cache).describe("corgi")) == ["a", "b", "c"]
    assert healthy.given == ("a", "b") and healthy.calls == 0
    assert cache.get("corgi", KEY) == CachedDescription(("a", "b", "c"), True)


def test_resuming_without_support_repeats_no_sentence(tmp_path: Path) -> None:
    cache = DescriptionCache(tmp_path)
    cache.put("corgi", KEY, ["a"], complete=False)
    assert list(CachedDescriber(Scripted("a", "b"), cache).describe("corgi")) == ["a", "b"]


def test_sentences_read_before_leaving_are_stored(tmp_path: Path) -> None:
    cache = DescriptionCache(tmp_path)
    stream = CachedDescriber(Scripted("a", "b", "c"), cache).describe("corgi")
    assert next(stream) == "a"
    stream.close()  # type: ignore[attr-defined]
    assert cache.get("corgi", KEY) == CachedDescription(("a",), False)


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
    cache.put("corgi", KEY, ["old"], complete=True)
    (entry,) = tmp_path.iterdir()
    entry.write_bytes(content)
    assert cache.get("corgi", KEY) is None
    assert list(CachedDescriber(Scripted("new"), cache).describe("corgi")) == ["new"]
    assert json.loads(entry.read_text(encoding="utf-8"))["sentences"] == ["new"]


def test_a_hostile_tag_stays_inside_the_folder(tmp_path: Path) -> None:
    cache = DescriptionCache(tmp_path / "cache")
    cache.put("../../etc/passwd", "1", ["a"], complete=True)
    (entry,) = (tmp_path / "cache").iterdir()
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert entry.stem.isalnum()
    assert cache.get("../../etc/passwd", "1") == CachedDescription(("a",), True)


def test_an_unwritable_folder_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    cached = CachedDescriber(Scripted("a", "b"), DescriptionCache(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        assert list(cached.describe("corgi")) == ["a", "b"]
    assert len(caplog.records) == 1 and "cannot be written" in caplog.text


def test_a_failed_write_leaves_the_old_entry_and_no_leftovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache = DescriptionCache(tmp_path)
    cache.put("corgi", "1", ["old"], complete=False)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ram.runtime.Path.replace", full)
    cache.put("corgi", "1", ["old", "new"], complete=True)
    assert cache.get("corgi", "1") == CachedDescription(("old",), False)
    assert len(list(tmp_path.iterdir())) == 1
    assert "No space left" in caplog.text
