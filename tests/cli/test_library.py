"""`ram library`, `ram retag` and `ram search`, on a tiny untrained model."""

import json

import pytest

from ram.library.sidecars import sidecar_of
from tests.cli.word_models import PRESENT, TAGS

pytestmark = pytest.mark.usefixtures("words")


def images(out):
    return sorted(photo["image"] for photo in json.loads(out))


def test_a_library_is_added_to_searched_and_tagged_again(models, photos, ended):
    model = ("--model", models["tiny-plus"])
    code, _, err = ended("library", "add", photos, *model)
    assert (code, err) == (0, "3 photos are added; the library has 3, with 3 tags\n")
    everything = [str(photos / f"{i}.png") for i in range(3)]
    code, out, _ = ended("search", photos, "a dog on the grass", *model, "--json")
    assert code == 0 and images(out) == everything
    code, out, _ = ended("search", photos, "--all", PRESENT[0], "--without", TAGS[-1], *model, "--json")
    assert code == 0 and images(out) == everything
    code, out, err = ended("search", photos, "--like", photos / "0.png", "--top", 1, *model)
    assert code == 0 and len(out.splitlines()) == 1 and "0.png" not in out
    code, out, err = ended("search", photos, "--all", TAGS[-1], *model)
    assert (code, out, err) == (0, "", "no photo is found\n")
    flags = ("--tags", f"{PRESENT[0]}, kite", "--describer", "template", "--sidecars")
    code, _, err = ended("retag", photos, *flags, *model)
    assert code == 0 and f"{PRESENT[0]}: 3 of 3 photos" in err and "kite: " in err and "3 XMP sidecars" in err
    assert all(tag in sidecar_of(photos / "0.png").read_text() for tag in PRESENT)
    code, out, _ = ended("retag", photos, *flags[:-1], *model, "--json")
    document = json.loads(out)
    assert code == 0 and list(document) == [PRESENT[0], "kite"]
    assert sorted(photo["image"] for photo in document[PRESENT[0]]) == everything


@pytest.mark.parametrize("command", [("search", "a dog"), ("retag", "--tags", "kite")])
def test_a_folder_without_a_library_is_named_and_left_as_it_is(models, photos, ended, command):
    name, *rest = command
    code, out, err = ended(name, photos, *rest, "--model", models["tiny-plus"])
    assert (code, out) == (2, "") and "run `ram library add` first" in err
    assert not (photos / ".ram").exists()


@pytest.mark.parametrize(
    "flags, said",
    [
        ((), "nothing to search for"),
        (("--all", "kite"), 'no photo has been scored for "kite"'),
        (("a dog", "--like", "gone.jpg"), "give a sentence or a photo, not both"),
    ],
)
def test_a_search_that_cannot_be_done_is_one_sentence(models, photos, ended, flags, said):
    model = ("--model", models["tiny-plus"])
    assert ended("library", "add", photos, *model)[0] == 0
    code, out, err = ended("search", photos, *flags, *model)
    assert code == 2 and out == "" and said in err and len(err.splitlines()) == 1


def test_unreadable_photos_are_named(models, photos, ended):
    (photos / "broken.jpg").write_bytes(b"no photo")
    code, _, err = ended("library", "add", photos, "--model", models["tiny-plus"])
    assert code == 2 and "3 photos are added, 1 could not be read" in err and "broken.jpg" in err


def test_a_full_disk_is_one_line_and_the_library_goes_on(models, photos, ended, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        code, out, err = ended("library", "add", photos, "--model", models["tiny-plus"])
    assert (code, out) == (2, "") and err == f"ram library: {photos / '.ram/pooled.looks'}: No space left on device\n"
    code, _, err = ended("library", "add", photos, "--model", models["tiny-plus"])
    assert code == 0 and "3 photos are added" in err


def test_a_sidecar_that_cannot_take_tags_stops_no_other(models, photos, ended):
    ended("library", "add", photos, "--model", models["tiny-plus"])
    (photos / "0.png.xmp").write_text("no XML")
    flags = ("--tags", PRESENT[0], "--sidecars")
    code, _, err = ended("retag", photos, *flags, "--model", models["tiny-plus"])
    *_, written, summary, reason = err.splitlines()
    assert code == 2 and written == "2 XMP sidecars are written beside the photos"
    assert summary == "ram retag: the tags of 1 of 3 photos could not be written:"
    assert reason.startswith(f"  {photos / '0.png'}: 0.png.xmp is no XMP")
    assert (photos / "0.png.xmp").read_text() == "no XML" and PRESENT[0] in sidecar_of(photos / "2.png").read_text()


def test_a_folder_that_cannot_be_written_takes_another_place(models, photos, ended, tmp_path):
    (photos / ".ram").touch()
    code, _, err = ended("library", "add", photos, "--model", models["tiny-plus"])
    assert code == 2 and ".ram: File exists" in err and len(err.splitlines()) == 1
    code, _, err = ended("library", "add", photos, "--model", models["tiny-plus"], "--library", tmp_path / "looks")
    assert code == 0 and "3 photos are added" in err
