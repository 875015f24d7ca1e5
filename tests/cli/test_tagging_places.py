"""`ram tag --sidecars --embed --dry-run --watch` and `ram untag`, on a tiny untrained model."""

import csv
import json
import os
import shutil

import pytest

import ram.runtime
from ram.library import watching
from ram.library.folder_lock import locked
from ram.library.sidecars import Sidecars, sidecar_of
from ram.library.xmp import HIERARCHICAL, SUBJECT, XmpDocument
from tests.cli.word_models import PRESENT
from tests.library.layouts import DIGIKAM

pytestmark = pytest.mark.usefixtures("words")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def tags(photo):
    return XmpDocument.parse(sidecar_of(photo).read_bytes(), "a").values(SUBJECT)


def test_tags_are_written_beside_photos_and_taken_out_again(models, photos, ended):
    (photos / "0.png.xmp").write_text(DIGIKAM)
    before = contents(photos)
    code, out, err = ended("tag", photos, "--model", models["tiny-plus"], "--sidecars")
    assert (code, out) == (0, "") and "3 XMP sidecars are written beside the pictures" in err
    assert set(tags(photos / "0.png")) == {"Anna", "Garden", *PRESENT} and set(tags(photos / "1.png")) == set(PRESENT)
    code, _, err = ended("untag", photos)
    assert code == 0 and "the tags of 3 sidecars are taken out" in err and contents(photos) == before


def test_photos_that_are_tagged_are_skipped(models, photos, ended):
    flags = ("--model", models["tiny-plus"], "--sidecars")
    ended("tag", photos / "0.png", *flags)
    code, _, err = ended("tag", photos, *flags)
    assert code == 0 and "1 of 3 pictures have their tags already: --overwrite tags them again" in err
    assert "2 XMP sidecars" in err
    before = contents(photos)
    code, _, err = ended("tag", photos, *flags, "--overwrite")
    assert code == 0 and "already" not in err and contents(photos) == before
    _, _, err = ended("tag", photos, "--model", models["tiny-ram"], "--sidecars")
    assert "3 XMP sidecars" in err, "another model"


def test_sidecars_are_added_to_results_that_exist(models, photos, ended, tmp_path):
    flags = ("--model", models["tiny-plus"], "--output", tmp_path / "tags.jsonl")
    ended("tag", photos, *flags)
    before = (tmp_path / "tags.jsonl").read_bytes()
    code, _, err = ended("tag", photos, *flags, "--sidecars")
    assert code == 0 and "3 XMP sidecars" in err and (tmp_path / "tags.jsonl").read_bytes() == before


def test_photos_themselves_are_changed_only_when_asked(models, photos, ended):
    pytest.importorskip("pyexiv2", reason="needs the extra ram[embed]")
    before = contents(photos)
    ended("tag", photos, "--model", models["tiny-plus"], "--sidecars", "--txt", "keep")
    assert {name: content for name, content in contents(photos).items() if name in before} == before
    code, _, err = ended("tag", photos, "--model", models["tiny-plus"], "--embed")
    assert code == 0 and "3 pictures are given their tags within" in err
    assert contents(photos)["0.png"] != before["0.png"]
    ended("untag", photos)
    assert contents(photos)["0.png"] != before["0.png"]
    code, _, err = ended("untag", photos, "--embedded")
    assert code == 0 and "the tags of 3 photos are taken out" in err
    assert {name: content for name, content in contents(photos).items() if name in before} == before


def test_a_dry_run_prints_what_would_be_written(models, photos, ended):
    before = contents(photos)
    flags = ("--model", models["tiny-plus"], "--sidecars", "--txt", "add")
    code, out, err = ended("tag", photos, *flags, "--dry-run")
    assert code == 0 and contents(photos) == before
    assert "3 XMP sidecars would be written beside the pictures; this was a dry run" in err
    lines = dict(line.rsplit(": ", 1) for line in out.splitlines())
    assert sorted(lines) == sorted(str(photos / f"{i}{end}") for i in range(3) for end in (".txt", ".png.xmp"))
    assert all(set(found.split(", ")) == set(PRESENT) for found in lines.values())
    ended("tag", photos, *flags)
    tagged = contents(photos)
    code, out, err = ended("untag", photos, "--dry-run")
    assert code == 0 and len(out.splitlines()) == 3 and "would be taken out" in err and contents(photos) == tagged
    code, _, err = ended("tag", photos, "--dry-run")
    assert code == 2 and "--dry-run is for --txt, --sidecars and --embed" in err


def test_a_watch_tags_what_comes_later(models, photos, ended, monkeypatch):
    later = photos.parent / "later"
    shutil.move(photos / "2.png", later)

    rounds = iter(range(10))

    def sleep(seconds):
        if (now := next(rounds)) == 0:
            shutil.copy(later, photos / "2.png")
        if now == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(watching.new_photos, "__defaults__", (5, sleep))
    code, _, err = ended("tag", photos, "--model", models["tiny-plus"], "--sidecars", "--watch", 7)
    assert code == 0 and "looks for new pictures every 7 s" in err and "3 XMP sidecars" in err
    assert set(tags(photos / "2.png")) == set(PRESENT)


def test_a_watch_may_begin_with_an_empty_folder(models, photos, ended, monkeypatch, tmp_path):
    card = tmp_path / "card"
    card.mkdir()
    monkeypatch.setattr(watching.new_photos, "__defaults__", (3, lambda s: shutil.copy2(photos / "0.png", card)))
    code, out, err = ended("tag", card, "--model", models["tiny-plus"], "--json", "--watch", 1)
    assert code == 0 and [picture["image"] for picture in json.loads(out)] == [str(card / "0.png")]


def test_a_broken_sidecar_ends_no_run_and_stays(models, photos, ended):
    (photos / "1.png.xmp").write_text("no XML")
    code, _, err = ended("tag", photos, "--model", models["tiny-plus"], "--sidecars")
    assert code == 2 and "2 XMP sidecars" in err and "1.png.xmp is no XMP, it is not XML" in err
    assert (photos / "1.png.xmp").read_text() == "no XML"
    code, _, err = ended("untag", photos)
    assert code == 2 and "the tags of 2 sidecars are taken out" in err and "Traceback" not in err


def test_a_folder_that_cannot_be_written_is_one_sentence(models, photos, ended, monkeypatch):
    def refuse(*given, **named):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(ram.runtime, "_new_beside", refuse)
    code, _, err = ended("tag", photos / "0.png", "--model", models["tiny-plus"], "--sidecars")
    assert code == 2 and "the tags of 0.png cannot be written: Read-only file system" in err


def test_a_full_disk_ends_the_run_with_one_sentence(models, photos, ended, monkeypatch):
    def refuse(*given, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ram.runtime, "_new_beside", refuse)
    before = contents(photos)
    code, _, err = ended("tag", photos, "--model", models["tiny-plus"], "--sidecars")
    assert code == 2 and "No space left on device" in err.splitlines()[-1] and contents(photos) == before


def test_a_sidecar_that_cannot_be_written_ends_no_undo(models, photos, ended, monkeypatch):
    for name in ("0.png.xmp", "1.png.xmp"):  # which stay, and are written to
        (photos / name).write_text(DIGIKAM)
    before = contents(photos)
    ended("tag", photos, "--model", models["tiny-plus"], "--sidecars")
    tagged, made = contents(photos), ram.runtime._new_beside

    def refuse(path, mode):
        if "0.png" in path.name:
            raise PermissionError(13, "Permission denied")
        return made(path, mode)

    with monkeypatch.context() as folder:
        folder.setattr(ram.runtime, "_new_beside", refuse)
        code, _, err = ended("untag", photos)
    assert code == 2 and "the tags of 2 sidecars are taken out" in err
    assert "ram untag: 1 of 3 pictures could not be read:" in err
    assert f"  {photos / '0.png'}: the tags of 0.png cannot be written: Permission denied" in err.splitlines()
    left = contents(photos)
    assert left.pop("unreadable.csv") and left == before | {"0.png.xmp": tagged["0.png.xmp"]}
    code, _, err = ended("untag", photos)
    assert code == 0 and contents(photos) == before


def test_unreadable_photos_of_a_folder_are_listed_in_it(models, photos, ended):
    flags = ("--model", models["tiny-plus"], "--sidecars")
    broken = [photos / f"broken{i:02}.png" for i in range(25)]
    for path in broken:
        path.write_bytes(b"no picture")
    code, _, err = ended("tag", photos, *flags)
    assert code == 2 and err.splitlines()[-1] == f"  and 5 more; all are in {photos / 'unreadable.csv'}"
    with open(photos / "unreadable.csv", newline="") as listed:
        assert [row["image"] for row in csv.DictReader(listed)] == list(map(str, broken))
    for path in broken[1:]:
        path.unlink()
    code, _, err = ended("tag", photos, *flags)
    assert code == 2 and err.splitlines()[-1] == f"  they are listed in {photos / 'unreadable.csv'}"
    shutil.copy(photos / "0.png", broken[0])
    code, _, err = ended("tag", photos, *flags)
    assert code == 0 and "unreadable.csv" not in contents(photos)


@pytest.mark.parametrize("flags", [(), ("--json",), ("--sidecars", "--dry-run")])
def test_a_run_that_writes_to_no_folder_leaves_no_list(models, photos, ended, flags):
    (photos / "1.png").write_bytes(b"")
    before = contents(photos)
    code, _, err = ended("tag", photos, "--model", models["tiny-plus"], *flags)
    assert code == 2 and "1 of 3 pictures could not be read" in err and contents(photos) == before


def test_a_list_replaces_no_other_file_and_is_no_hindrance(models, photos, ended, monkeypatch, tmp_path):
    flags = ("--model", models["tiny-plus"], "--sidecars")
    (photos / "1.png").write_bytes(b"")
    for other in (b"camera,lens\n", b"\0" + b"x" * 200_000):
        (photos / "unreadable.csv").write_bytes(other)
        code, _, err = ended("tag", photos, *flags, "--overwrite")
        assert code == 2 and "1.png" in err and (photos / "unreadable.csv").read_bytes() == other
    (photos / "unreadable.csv").unlink()

    def refuse(*given):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("ram.cli.picture_run.save_faults", refuse)
    code, _, err = ended("tag", photos, *flags)
    assert code == 2 and "1 of 3 pictures could not be read" in err and "unreadable.csv" not in err
    (tmp_path / "empty").mkdir()
    code, _, err = ended("tag", tmp_path / "empty", *flags)
    assert code == 2 and "holds no picture" in err and contents(tmp_path / "empty") == {}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
@pytest.mark.parametrize("flags", [("--sidecars",), ("--txt", "add")])
def test_runs_above_and_below_are_refused(models, photos, ended, flags):
    (photos / "trip").mkdir()
    shutil.copy(photos / "0.png", photos / "trip")
    command = ("--model", models["tiny-plus"], *flags)
    for busy, named in ((photos, photos / "trip"), (photos / "trip", photos), (photos, photos / "0.png")):
        with locked([busy]):
            code, out, err = ended("tag", named, *command)
            assert (code, out) == (2, "") and "another run writes tags in" in err and err.count("\n") == 1
    before = contents(photos / "trip")
    with locked([photos / "trip"]):
        code, _, err = ended("tag", photos / "1.png", *command)
        assert code == 2, "in the folder above"
        code, _, _ = ended("tag", photos, *command, "--dry-run")
        assert code == 0 and contents(photos / "trip") == before
    code, _, err = ended("tag", photos, *command)
    assert code == 0, err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
def test_a_second_run_on_a_folder_is_refused(models, photos, ended, monkeypatch):
    said = []
    add = Sidecars.add

    def adding(self, photo, record):
        if not said:
            said.append(ended("tag", photos, "--model", models["tiny-plus"], "--sidecars"))
            said.append(ended("untag", photos))
        return add(self, photo, record)

    monkeypatch.setattr(Sidecars, "add", adding)
    code, _, err = ended("tag", photos, "--model", models["tiny-plus"], "--sidecars")
    assert code == 0 and "3 XMP sidecars" in err
    assert [(code, "another run writes tags in" in err) for code, _, err in said] == [(2, True)] * 2


def test_a_linked_folder_in_a_circle_is_tagged_once(models, photos, ended):
    (photos / "circle").symlink_to(photos, target_is_directory=True)
    code, _, err = ended("tag", photos, "--model", models["tiny-plus"], "--sidecars")
    assert code == 0 and "3 XMP sidecars" in err


def test_sidecars_have_the_place_of_a_tag_in_the_language_asked_for(models, photos, ended):
    flags = ("--model", models["tiny-plus"], "--sidecars")
    code, _, err = ended("tag", photos / "0.png", *flags)
    document = XmpDocument.parse(sidecar_of(photos / "0.png").read_bytes(), "a")
    assert code == 0 and "object|animal|dog" in document.values(HIERARCHICAL)
    code, _, err = ended("tag", photos / "0.png", *flags, "--language", "de", "--overwrite")
    document = XmpDocument.parse(sidecar_of(photos / "0.png").read_bytes(), "a")
    assert code == 0 and "Hund" in document.values(SUBJECT)
    assert "Objekt|Tier|Hund" in document.values(HIERARCHICAL)


def test_a_tag_without_a_name_in_a_language_is_told(models, photos, ended):
    flags = ("--model", models["tiny-plus"], "--tags", "snorkel mask")
    code, out, err = ended("tag", photos / "0.png", *flags, "--language", "fr")
    assert code == 0 and "chien" in out and "without a name in French, so in English: " in err and "snorkel" in err
    code, _, err = ended("tag", photos / "0.png", *flags, "--language", "xx")
    assert code == 2 and "invalid choice: 'xx'" in err


def test_a_sidecar_of_two_gigabytes_is_left_as_it_is(models, photos, ended):
    with open(photos / "1.png.xmp", "wb") as file:
        file.truncate(2 << 30)
    code, _, err = ended("tag", photos, "--model", models["tiny-plus"], "--sidecars")
    assert code == 2 and "2 XMP sidecars" in err and "1.png.xmp has more than 16 MB, too much for tags" in err
    assert (photos / "1.png.xmp").stat().st_size == 2 << 30


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_not_utf8_get_sidecars(models, photos, ended):
    name = os.fsdecode(b"caf\xe9.png")
    os.rename(photos / "0.png", photos / name)
    code, _, err = ended("tag", photos, "--model", models["tiny-plus"], "--sidecars")
    assert code == 0 and "3 XMP sidecars" in err and set(tags(photos / name)) == set(PRESENT)
