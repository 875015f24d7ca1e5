"""Results in files: a stopped run goes on, nothing is emptied unasked, and unreadable pictures are listed."""

import csv
import json
import signal

import pytest

from ram import looking_methods
from ram.models.image_encoder import ImageEncoder
from ram.tagger import Tagger
from tests.cli.word_models import looks

pytestmark = pytest.mark.usefixtures("words")


def stopped_after(monkeypatch, count):
    """Let Ctrl-C arrive when so many pictures are scored."""
    score, scored = Tagger.score, []

    def interrupted(self, *given):
        if len(scored) == count:
            raise KeyboardInterrupt
        scored.append(given)
        return score(self, *given)

    monkeypatch.setattr(Tagger, "score", interrupted)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_a_stopped_run_goes_on_with_the_same_command(suffix, models, photos, tmp_path, ended, monkeypatch):
    command = ("tag", photos, "--model", models["tiny-plus"], "--top", 2, "--output")
    ended(*command, tmp_path / f"once{suffix}")
    file = tmp_path / f"tags{suffix}"
    with monkeypatch.context() as patched:
        stopped_after(patched, 2)
        code, out, err = ended(*command, file)
    assert (code, out) == (130, "")
    assert err == "ram tag: stopped after 2 of 3 pictures; run the same command again to go on\n"
    count = looks(monkeypatch)
    code, out, err = ended(*command, file)
    assert code == 0 and sum(count) == 1 and file.read_bytes() == (tmp_path / f"once{suffix}").read_bytes()
    assert err.splitlines() == [
        f"2 of 3 pictures are in {file.name} already (--overwrite tags them again)",
        f"3 of 3 pictures are in {file}",
    ]


@pytest.mark.parametrize("size", [1, 4])
def test_a_stop_within_a_batch_changes_no_byte(size, models, photos, tmp_path, ended, monkeypatch):
    monkeypatch.setattr(looking_methods, "CPU_RUN", size)  # several, as on a GPU
    forward = ImageEncoder.forward
    monkeypatch.setattr(  # as a batch of another size does, but in the last digit
        ImageEncoder, "forward", lambda self, x: forward(self, x).map(lambda part: part * (1 + len(x) / 10))
    )
    for i in range(3, 11):
        (photos / f"{i}.png").write_bytes((photos / f"{i % 3}.png").read_bytes())
    (photos / "1.png").write_bytes(b"no picture")
    command = ("tag", photos, "--model", models["tiny-plus"], "--output")
    assert ended(*command, tmp_path / "once.csv")[0] == 2
    for count in (1, 4):
        with monkeypatch.context() as patched:
            stopped_after(patched, count)
            assert ended(*command, tmp_path / "tags.csv")[0] == 130
    assert ended(*command, tmp_path / "tags.csv")[0] == 2
    assert (tmp_path / "tags.csv").read_bytes() == (tmp_path / "once.csv").read_bytes()


def test_sigterm_stops_a_run_like_ctrl_c(models, photos, tmp_path, ended, monkeypatch):
    score, file = Tagger.score, tmp_path / "tags.coco.json"

    def terminated(self, *given):
        signal.raise_signal(signal.SIGTERM)
        return score(self, *given)

    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patched:
        patched.setattr(Tagger, "score", terminated)
        code, _, err = ended("tag", photos, "--model", models["tiny-plus"], "--output", file)
    assert code == 130 and "stopped after 0 of 3 pictures" in err and signal.getsignal(signal.SIGTERM) == before
    assert ended("tag", photos, "--model", models["tiny-plus"], "--output", file)[0] == 0
    assert len(json.loads(file.read_text())["images"]) == 3


def test_results_of_another_folder_are_added_unless_overwritten(models, photos, tmp_path, ended):
    file, command = tmp_path / "tags.jsonl", ("--model", models["tiny-plus"], "--top", 1, "--output")
    ended("tag", photos / "0.png", *command, file)
    first = file.read_bytes()
    _, _, err = ended("tag", photos / "1.png", *command, file)
    assert file.read_bytes().startswith(first) and "tags.jsonl holds 1 other pictures: the new ones are added" in err
    code, _, err = ended("tag", photos, "--model", models["tiny-ram"], "--output", file)
    assert code == 2 and "tags.jsonl holds tags of tiny-plus, not of tiny-ram" in err
    ended("tag", photos / "2.png", *command, file, "--overwrite")
    assert [json.loads(line)["image"] for line in file.read_text().splitlines()] == [str(photos / "2.png")]


def test_an_output_that_holds_something_else_is_refused_at_once(photos, tmp_path, ended):
    (tmp_path / "photos.csv").write_text("image,tags\n")
    code, out, err = ended("tag", photos, "--model", "no-such-model", "--output", tmp_path / "photos.csv")
    assert (code, out, err.count("\n")) == (2, "", 1) and "is no result of `ram tag`" in err
    assert (tmp_path / "photos.csv").read_text() == "image,tags\n"


def test_a_stopped_run_prints_whole_json(models, photos, ended, monkeypatch):
    stopped_after(monkeypatch, 2)
    code, out, err = ended("tag", photos, "--model", models["tiny-plus"], "--json", "--top", 1)
    assert code == 130 and [p["image"] for p in json.loads(out)] == [str(photos / f"{i}.png") for i in range(2)]
    assert err == "ram tag: stopped after 2 of 3 pictures\n"


def test_all_unreadable_pictures_are_listed_in_a_file(models, photos, tmp_path, ended):
    for i in range(30):
        (photos / f"broken{i}.png").write_bytes(b"no picture")
    file = tmp_path / "tags.jsonl"
    command = ("tag", photos, "--model", models["tiny-plus"], "--top", 1)
    code, _, err = ended(*command, "--output", file)
    assert code == 2 and f"  and 10 more; all are in {tmp_path / 'tags.unreadable.csv'}" in err
    with open(tmp_path / "tags.unreadable.csv", newline="") as listed:
        rows = list(csv.DictReader(listed))
    assert {row["image"] for row in rows} == {str(photos / f"broken{i}.png") for i in range(30)}
    assert all("cannot be read as a picture" in row["reason"] for row in rows)
    for i in range(30):
        (photos / "0.png").replace(photos / f"broken{i}.png") if i == 0 else (photos / f"broken{i}.png").unlink()
    code, _, _ = ended(*command, "--output", file)
    assert code == 0 and len(file.read_text().splitlines()) == 4  # of 0.png, which was tagged before, too
    _, _, err = ended(*command, "--json")
    assert "--unreadable" not in err


def test_the_list_of_unreadable_pictures_can_be_named(models, photos, tmp_path, ended):
    (photos / "1.png").write_bytes(b"")
    listed = tmp_path / "faults.csv"
    code, out, err = ended("tag", photos, "--model", models["tiny-plus"], "--json", "--unreadable", listed)
    assert code == 2 and len(json.loads(out)) == 2 and str(listed) in err
    assert listed.read_text().splitlines()[1].startswith(f"{photos / '1.png'},")


def test_csv_for_excel_is_continued_in_its_form(models, photos, tmp_path, ended):
    file, command = tmp_path / "tags.csv", ("--model", models["tiny-plus"], "--top", 2, "--output")
    ended("tag", photos / "0.png", *command, file, "--excel", "semicolon")
    ended("tag", photos, *command, file)
    text = file.read_text(encoding="utf-8")
    assert text.startswith("\ufeffimage;model;tag;") and text.count("\ufeff") == 1
    assert {row.count(";") for row in text.splitlines()} == {6} and len(text.splitlines()) == 7
    code, _, err = ended("tag", photos, "--excel", "comma")
    assert code == 2 and "--excel needs --output FILE.csv" in err
