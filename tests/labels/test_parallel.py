"""Several processes find what one finds, in the order of the captions."""

import pytest

from ram.labels import parallel
from ram.labels.parallel import CHUNK, parse_captions
from ram.labels.parsing import CaptionParser

CAPTIONS = [f"A {colour} {animal} runs." for colour in ("red", "black") for animal in ("dog", "cat", "horse")]


def test_processes_keep_the_order_and_the_tags_of_one(pipeline):
    expected = list(CaptionParser(pipeline, ["black cat"]).parse(CAPTIONS))
    assert list(parse_captions(CAPTIONS, ["black cat"], processes=2, chunk=2)) == expected
    assert "black cat" in [tag.name for tag in expected[4]]


def test_few_captions_start_no_process(pipeline, monkeypatch):
    monkeypatch.setattr(parallel, "load_pipeline", lambda: pipeline)
    monkeypatch.setattr(parallel, "ProcessPoolExecutor", None)
    assert len(list(parse_captions(CAPTIONS, processes=64))) == len(CAPTIONS)
    assert list(parse_captions([], processes=2)) == []


def test_batches_do_not_depend_on_the_number_of_processes(pipeline):
    assert CHUNK % CaptionParser(pipeline).batch_size == 0


def test_no_process_is_refused():
    with pytest.raises(ValueError, match="processes is 0"):
        list(parse_captions(CAPTIONS, processes=0))


def test_without_spacy_no_process_is_started(monkeypatch):
    monkeypatch.setattr(parallel, "check_pipeline", lambda: (_ for _ in ()).throw(ImportError("ram[parse]")))
    with pytest.raises(ImportError, match=r"ram\[parse\]"):
        list(parse_captions(CAPTIONS, processes=2, chunk=2))
