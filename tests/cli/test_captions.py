"""``ram caption`` on tiny untrained models with a captioner that names its tags."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from ram.backends import captioner_of
from ram.caption_reranking import best_captions
from ram.errors import InputError
from ram.tagger import Tagger
from ram.tagger_loading import load
from tests.captioners import let_caption, sentence

pytestmark = pytest.mark.usefixtures("words")


@pytest.fixture(autouse=True)
def batches(monkeypatch):
    """Every tagger captions; the sizes of the batches."""
    return let_caption(monkeypatch)


@pytest.fixture
def command(models):
    return "caption", "--model", models["tiny-plus"]


def test_caption_prints_what_the_tagger_writes_as_json(models, command, photos, ended):
    code, out, err = ended(*command, photos, "--json")
    tagger, files = load(models["tiny-plus"]), sorted(photos.iterdir())
    assert (code, err) == (0, "")
    assert json.loads(out) == [
        {"image": str(file), "model": "tiny-plus", "caption": tagger.caption(file), "tags": tagger.tag(file).tags}
        for file in files
    ]


def test_given_tags_and_beams_guide_the_captions(models, command, photos, ended):
    tokens = load(models["tiny-plus"]).look(photos / "0.png").tokens
    code, out, _ = ended(*command, photos / "0.png", "--tags", "Corgi, red kite", "--beams", 5, "--json")
    assert code == 0 and json.loads(out) == [
        {
            "image": str(photos / "0.png"),
            "model": "tiny-plus",
            "caption": sentence(tokens, ["Corgi", "red kite"], 5),
            "tags": ["Corgi", "red kite"],
        }
    ]


def test_another_model_chooses_among_several_captions(models, command, photos, ended):
    code, out, _ = ended(*command, photos, "--rerank-by", models["tiny-ram"], "--json")
    writer, judge, files = load(models["tiny-plus"]), load(models["tiny-ram"]), sorted(photos.iterdir())
    expected = [caption.text for caption in best_captions(writer, judge, files)]
    assert code == 0 and [row["caption"] for row in json.loads(out)] == expected
    assert "leave out --tags" in ended(*command, photos, "--rerank-by", models["tiny-ram"], "--tags", "dog")[2]


def test_text_has_the_caption_under_the_name(models, command, photos, ended):
    tokens = load(models["tiny-plus"]).look(photos / "0.png").tokens
    _, out, _ = ended(*command, photos / "0.png", "--tags", "dog")
    assert out.splitlines() == [str(photos / "0.png"), f"  {sentence(tokens, ['dog'])}"]


def test_pictures_are_captioned_in_batches(command, photos, batches, ended):
    for i in range(3, 10):
        (photos / f"{i}.png").write_bytes((photos / "0.png").read_bytes())
    (photos / "5.png").write_bytes(b"")
    code, out, _ = ended(*command, photos, "--json", "--tags", "dog")
    assert code == 2 and batches == [4, 3, 2] and len(json.loads(out)) == 9


def test_each_picture_is_looked_at_once(command, photos, ended, monkeypatch):
    looks, looking = [], Tagger.look_at_pixels

    def counted(tagger, pixels):
        looks.append(len(pixels))
        return looking(tagger, pixels)

    monkeypatch.setattr(Tagger, "look_at_pixels", counted)
    assert ended(*command, photos, "--json")[0] == 0 and looks == [1, 1, 1]


def test_unreadable_pictures_do_not_stop_the_others(command, photos, tmp_path, ended):
    (photos / "1.png").write_bytes(b"no picture")
    code, out, err = ended(*command, photos, photos / "missing.png", "--json", "--unreadable", tmp_path / "faults.csv")
    assert code == 2 and [one["image"] for one in json.loads(out)] == [str(photos / f"{i}.png") for i in (0, 2)]
    assert err.splitlines()[0] == "ram caption: 2 of 4 pictures could not be read:"
    with open(tmp_path / "faults.csv", newline="") as listed:
        assert len(list(csv.DictReader(listed))) == 2


def test_captions_are_written_as_lines_and_as_a_table(command, photos, tmp_path, ended):
    _, printed, _ = ended(*command, photos, "--json")
    expected = json.loads(printed)
    code, out, err = ended(*command, photos, "--output", tmp_path / "c.jsonl")
    assert (code, out) == (0, "") and err == f"3 of 3 pictures are in {tmp_path / 'c.jsonl'}\n"
    assert [json.loads(line) for line in (tmp_path / "c.jsonl").read_text().splitlines()] == expected
    assert ended(*command, photos, "--output", tmp_path / "c.csv", "--excel", "semicolon")[0] == 0
    with open(tmp_path / "c.csv", newline="", encoding="utf-8-sig") as written:
        rows = list(csv.DictReader(written, delimiter=";"))
    assert rows == [{**one, "tags": "; ".join(one["tags"])} for one in expected]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_a_stopped_run_goes_on_with_the_same_command(suffix, command, photos, tmp_path, ended, monkeypatch):
    monkeypatch.setattr(Tagger, "batch_size", 1)
    ended(*command, photos, "--output", tmp_path / f"once{suffix}")
    file, writes = tmp_path / f"captions{suffix}", []

    writing = Tagger.caption_features

    def interrupted(tagger, looks, *args):
        writes.extend(looks)
        if len(writes) == 3:
            raise KeyboardInterrupt
        return writing(tagger, looks, *args)

    with monkeypatch.context() as patched:
        patched.setattr(Tagger, "caption_features", interrupted)
        code, out, err = ended(*command, photos, "--output", file)
    assert (code, out) == (130, "")
    assert err == "ram caption: stopped after 2 of 3 pictures; run the same command again to go on\n"
    code, _, err = ended(*command, photos, "--output", file)
    assert code == 0 and file.read_bytes() == (tmp_path / f"once{suffix}").read_bytes()
    assert err.splitlines()[0] == f"2 of 3 pictures are in {file.name} already (--overwrite captions them again)"


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_tags_and_captions_do_not_share_a_file(suffix, models, command, photos, tmp_path, ended):
    file = tmp_path / f"results{suffix}"
    ended("tag", photos, "--model", models["tiny-plus"], "--top", 1, "--output", file)
    before = file.read_bytes()
    code, _, err = ended(*command, photos, "--output", file)
    assert code == 2 and "is no result of `ram caption`" in err and file.read_bytes() == before
    assert ended(*command, photos, "--output", file, "--overwrite")[0] == 0
    code, _, err = ended("tag", photos, "--model", models["tiny-plus"], "--output", file)
    assert code == 2 and "is no result of `ram tag`" in err
    code, _, err = ended("caption", "--model", models["tiny-ram"], photos, "--output", file)
    assert code == 2 and "holds captions of tiny-plus, not of tiny-ram" in err


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--tags", ""], "no category was given"),
        (["--tags", ",".join(f"tag {i}" for i in range(50))], "50 categories are too many"),
        (["--tags", "<b>"], "cannot have the character <"),
        (["--beams", "0"], "'0' must be a positive integer"),
        (["--output", "captions.json"], "its name must end in .jsonl or .csv"),
        (["--overwrite"], "--overwrite needs --output"),
    ],
)
def test_bad_flags_are_one_sentence(flags, sentence, command, photos, ended):
    code, out, err = ended(*command, photos, *flags)
    assert (code, out, err.count("\n")) == (2, "", 1) and sentence in err


def test_the_smallest_picture_gets_a_caption(command, tmp_path, ended):
    Image.fromarray(np.zeros((1, 1, 3), np.uint8)).save(tmp_path / "1.png")
    code, out, _ = ended(*command, tmp_path / "1.png", "--json", "--tags", "dog")
    assert code == 0 and json.loads(out)[0]["caption"].startswith("a picture of dog of ")


def test_a_model_without_a_captioner_says_so(command, photos, tmp_path, ended, monkeypatch):
    monkeypatch.setattr(Tagger, "has_captioner", False)
    code, out, err = ended(*command, photos, "--json")
    assert (code, out) == (2, "")
    assert err == (
        "ram caption: tiny-plus writes no captions: choose a model with a captioner, such as tag2text-lite\n"
    )


def test_a_tagger_without_the_method_is_refused_by_name():
    with pytest.raises(InputError, match="old writes no captions: choose a model with a captioner"):
        captioner_of(SimpleNamespace(name="old"))
