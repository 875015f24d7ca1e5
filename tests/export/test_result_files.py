"""Runs that are stopped at any byte go on to the same file; nothing finished is lost."""

import errno
import io
import json
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from ram.errors import InputError
from ram.export import result_files
from ram.export.fault_list import read_faults, save_faults
from ram.export.formats import EXCEL_CSV, PLAIN_CSV, Csv, listed, readable_name, record_of
from ram.export.result_files import ResultFile
from ram.prediction import Prediction
from ram.text.vocabulary import TagVocabulary

NAMES = ("a.jpg", "sub/b, c.jpg", '-"d"\n.jpg', "猫.jpg", "caf\udce9.jpg")
VOCABULARY = TagVocabulary(("dog", "cat"), (0.5, 0.5))


def record(name, model="tiny"):
    probabilities, weights = np.array([0.75, 0.25], np.float32), np.ones((2, 1), np.float32)
    prediction = Prediction(VOCABULARY, [["a photo; of a dog"], ["x\ny"]], probabilities, weights)
    return record_of(name, model, prediction, listed(prediction))


def write(path, names=NAMES, **options):
    """Continue a file with those of the images that it lacks."""
    results = ResultFile(path, **options)
    coming = [Path(name) for name in names if name not in results]
    with results.writing(coming) as report:
        for name in coming:
            report.add(record(str(name)))
    return [str(name) for name in coming]


@pytest.fixture(params=[("a.jsonl", PLAIN_CSV), ("a.csv", PLAIN_CSV), ("a.csv", EXCEL_CSV["semicolon"])], ids=str)
def form(request, tmp_path, monkeypatch):
    """Path and form of a result file that does not exist yet."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / request.param[0], request.param[1]


def between_rows(csv_form):
    """Bytes of a CSV file after the first of the two rows of each image."""
    end = len(csv_form.heading.encode())
    for name in NAMES:
        for rows in (1, 2):
            text = io.StringIO()
            first = record(name)
            Csv(text, csv_form, heading=False).add({**first, "scores": first["scores"][:rows]})
            if rows == 1:
                yield end + len(text.getvalue().encode("utf-8", "surrogateescape"))
        end += len(text.getvalue().encode("utf-8", "surrogateescape"))


def test_a_file_cut_at_any_byte_is_continued_to_the_same_file(form):
    path, csv_form = form
    write(path, csv_form=csv_form)
    whole = path.read_bytes()
    cuts = set(range(len(whole) + 1))
    if path.suffix == ".csv":  # an image is written in one step, so that no kill leaves only whole rows of it
        cuts -= set(between_rows(csv_form))
    for end in cuts:
        path.write_bytes(whole[:end])
        write(path, csv_form=csv_form)
        assert path.read_bytes() == whole, f"cut at byte {end}"


def test_a_finished_image_is_not_written_again(form):
    path, csv_form = form
    assert len(write(path, NAMES[:2], csv_form=csv_form)) == 2
    before = path.read_bytes()
    assert write(path, NAMES[:2]) == [] and path.read_bytes() == before
    assert write(path, [*NAMES[:2], os.path.abspath("e.jpg")]) == [os.path.abspath("e.jpg")]
    assert path.read_bytes().startswith(before) and "e.jpg" in ResultFile(path)


def test_what_was_cut_off_stays_where_its_image_does_not_come_again(tmp_path):
    path = tmp_path / "a.csv"
    write(path, NAMES[:2])
    content = path.read_bytes()
    path.write_bytes(content[:-3])  # the last of the two rows of an image
    write(path, ["e.jpg"])
    assert path.read_bytes().startswith(content[:-3].rpartition(b"\n")[0] + b"\n") and "e.jpg" in ResultFile(path)
    assert NAMES[1] in ResultFile(path)


def test_an_editor_may_have_removed_the_last_line_end(tmp_path):
    path = tmp_path / "a.jsonl"
    write(path, NAMES[:2])
    path.write_bytes(path.read_bytes().rstrip())
    assert write(path) == list(NAMES[2:])
    assert [json.loads(line)["image"] for line in path.read_text().splitlines()] == list(map(readable_name, NAMES))


def test_only_overwrite_replaces_a_file(form):
    path, csv_form = form
    write(path, csv_form=csv_form)
    write(path, NAMES[:1], overwrite=True, csv_form=csv_form)
    assert len(ResultFile(path)) == 1


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.csv", "image,tags\ncat.jpg,cat;animal\n"),
        ("a.csv", "\ufeffimage;tags\n"),
        ("a.csv", "image,model,tag,probability,threshold,description,weight\n1,2\n3,4\n"),
        ("a.jsonl", "[1, 2]\n"),
        ("a.jsonl", '{"image": "a.jpg"}\n'),
        ("a.jsonl", "notes\n"),
        ("a.coco.json", "{}"),
    ],
)
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="^a.*name another file, or replace it.*--overwrite"):
        ResultFile(path)
    assert path.read_text(encoding="utf-8") == content


def test_a_file_of_another_model_is_not_continued(tmp_path):
    write(tmp_path / "a.jsonl")
    results = ResultFile(tmp_path / "a.jsonl")
    results.check_model("tiny")
    with pytest.raises(InputError, match="a.jsonl holds tags of tiny, not of other"):
        results.check_model("other")


def test_a_full_disk_leaves_whole_records_and_is_named(form, monkeypatch):
    path, csv_form = form
    write(path, NAMES[:2], csv_form=csv_form)
    before, results = path.read_bytes(), ResultFile(path)
    with pytest.raises(OSError, match=f"No space left.*{path.name}") as problem, results.writing([]) as report:
        file = report._file._file

        class Full:
            def __getattr__(self, name):
                return getattr(file, name)

            def write(self, data):
                if len(data) < 100:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return file.write(data[:60])

        report._file._file = Full()
        report.add(record("e.jpg"))
    assert problem.value.filename == str(path) and path.read_bytes() == before


def test_a_document_is_saved_now_and_then(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    with ResultFile(path).writing([], VOCABULARY.tags) as report:
        report.add({**record("a.jpg"), "width": 1, "height": 1})
        assert not path.exists()
        monkeypatch.setattr(result_files, "SAVE_SECONDS", 0.0)
        report.add({**record("b.jpg"), "width": 1, "height": 1})
        assert "b.jpg" in ResultFile(path)  # what a kill would leave


def hold(path, ready, leave):
    with ResultFile(path).writing([]):
        ready.set()
        leave.wait(30)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such lock")
def test_two_runs_do_not_write_to_one_file(tmp_path):
    path = tmp_path / "a.jsonl"
    write(path, NAMES[:1])
    context = multiprocessing.get_context("fork")
    ready, leave = context.Event(), context.Event()
    other = context.Process(target=hold, args=(path, ready, leave))
    other.start()
    assert ready.wait(30)
    with pytest.raises(InputError, match="another run writes to a.jsonl"), ResultFile(path).writing([]):
        pass
    leave.set()
    other.join(30)
    late = ResultFile(path)
    write(path, NAMES[:2])
    with pytest.raises(InputError, match="another run"), late.writing([]):
        pass


def test_the_list_of_faults_keeps_what_was_not_tried_again(tmp_path):
    path = tmp_path / "a.unreadable.csv"
    assert save_faults(path, [("a.jpg", "is broken"), ("=b.jpg", "is empty, too")], ["c.jpg"]) == 2
    assert read_faults(path) == [("a.jpg", "is broken"), ("./=b.jpg", "is empty, too")]
    assert save_faults(path, [("d.jpg", "is new")], ["=b.jpg"]) == 2
    assert [image for image, _ in read_faults(path)] == ["a.jpg", "d.jpg"]
    assert save_faults(path, [], ["a.jpg", "d.jpg"]) == 0 and not path.exists()


def test_a_list_of_faults_replaces_no_other_file(tmp_path):
    (tmp_path / "photos.csv").write_text("image,tags\n")
    with pytest.raises(InputError, match="photos.csv exists and is no list of unreadable pictures"):
        save_faults(tmp_path / "photos.csv", [("a.jpg", "is broken")], [])
