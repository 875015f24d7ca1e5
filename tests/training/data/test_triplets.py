"""Triplets are read faithfully: what is missing is counted, what is unknown stays unknown, mistakes are named."""

import json
import logging

import pytest
import torch
from PIL import Image

from ram.images.opening import check_image
from ram.training.data.sources import check_sources
from ram.training.data.triplets import Source, Triplets, read_triplets
from tests.toy_run import draw

TAGS = 4


@pytest.fixture
def write(tmp_path):
    """Write a triplet file; gives its path."""

    def write(entries, name="train.json"):
        path = tmp_path / name
        path.write_text(entries if isinstance(entries, str) else json.dumps(entries))
        return path

    for name in ("a.png", "b.png", "c.png"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    return write


def load_triplets(files, folders, tags, workers=0):
    """Read and check; what is skipped is listed in ``skipped.txt`` beside the first file."""
    sources = [read_triplets(file, folder, tags) for file, folder in zip(files, folders, strict=True)]
    return check_sources(sources, tags, files[0].parent, "skipped.txt", workers, lambda *_: None)


def triplet(picture, ids, captions=()):
    return {"image_path": picture, "caption": list(captions), "union_label_id": ids, "parse_label_id": [ids]}


def test_pictures_keep_their_order_captions_and_tags(write, tmp_path):
    file = write([triplet("b.png", [3, 0], ["one", "two"]), triplet("a.png", []), triplet("c.png", [1, 2])])
    triplets = load_triplets([file], [tmp_path], TAGS)
    assert triplets.pictures == tuple(tmp_path / name for name in ("b.png", "a.png", "c.png"))
    assert triplets.captions == (("one", "two"), (), ())
    assert triplets.targets[:].tolist() == [[1, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 0]]
    assert triplets.known[:].all() and triplets.skipped == ()


@pytest.mark.parametrize("workers", [0, 2])
def test_unusable_images_are_counted_listed_and_skipped(write, tmp_path, caplog, workers):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    draw("red", "blue").resize((256, 256)).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:2000])
    check_image(tmp_path / "cut.jpg")  # its header tells nothing
    names = ["gone.png", "a.png", "broken.png", "b.png", "cut.jpg"]
    file = write([triplet(name, [i % TAGS], [name]) for i, name in enumerate(names)])
    with caplog.at_level(logging.WARNING, "ram"):
        triplets = load_triplets([file], [tmp_path], TAGS, workers)
    assert [p.name for p in triplets.pictures] == ["a.png", "b.png"] and len(triplets) == 2
    assert triplets.captions == (("a.png",), ("b.png",))
    assert triplets.targets[:].tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]
    listed = (tmp_path / "skipped.txt").read_text().splitlines()
    assert listed == list(triplets.skipped) and len(listed) == 3
    for name, why in zip(("gone.png", "broken.png", "cut.jpg"), listed, strict=True):
        assert why.startswith(f"{tmp_path / name}: ") and name in why.partition(": ")[2]
    assert "3 pictures are skipped" in caplog.text and "gone.png; broken.png; cut.jpg" in caplog.text


def test_the_verdict_on_pictures_is_kept_for_a_run_that_goes_on(write, tmp_path):
    file = write([triplet("a.png", [0]), triplet("late.png", [1]), triplet("b.png", [2])])
    first = load_triplets([file], [tmp_path], TAGS)
    Image.new("RGB", (4, 4)).save(tmp_path / "late.png")
    assert load_triplets([file], [tmp_path], TAGS).pictures == first.pictures
    assert [path.name for path in first.pictures] == ["a.png", "b.png"]


def test_held_out_images_are_disjoint_and_repeat_with_the_seed(tmp_path):
    pictures = tuple(tmp_path / f"{i}.png" for i in range(40))
    triplets = Triplets.of([Source("toy", pictures, ((),) * 40, tuple((i % TAGS,) for i in range(40)))], TAGS)
    rest, held_out = triplets.hold_out(0.2, seed=1)
    assert len(held_out) == 8 and set(rest.pictures) | set(held_out.pictures) == set(pictures) and len(rest) == 32
    for part in (rest, held_out):
        wanted = [[int(p.stem) % TAGS == tag for tag in range(TAGS)] for p in part.pictures]
        assert part.targets[:].tolist() == wanted
    assert triplets.hold_out(0.2, seed=1)[1].pictures == held_out.pictures
    assert triplets.hold_out(0.2, seed=2)[1].pictures != held_out.pictures


def test_a_held_out_picture_stays_held_out_when_others_come(tmp_path):
    def held_out(count):
        pictures = tuple(tmp_path / f"{i}.png" for i in range(count))
        triplets = Triplets.of([Source("toy", pictures, ((),) * count, ((0,),) * count)], TAGS)
        return set(triplets.hold_out(0.25, seed=0)[1].pictures)

    few, more = held_out(80), held_out(84)
    assert len(few & more) >= 17  # of 20: only those at the edge may change sides


@pytest.mark.parametrize(("count", "ids"), [(1, (0,)), (4, ())])
def test_too_little_to_hold_out_is_said(tmp_path, count, ids):
    pictures = tuple(tmp_path / f"{i}.png" for i in range(count))
    triplets = Triplets.of([Source("toy", pictures, ((),) * count, (ids,) * count)], TAGS)
    with pytest.raises(ValueError, match="data.dev_share"):
        triplets.hold_out(0.5, seed=0)


def test_a_tag_that_a_file_never_uses_is_unknown(write, tmp_path):
    first = write([triplet("a.png", [0]), triplet("b.png", [1])], "first.json")
    second = write([triplet("c.png", [1, 3])], "second.json")
    triplets = load_triplets([first, second], [tmp_path, tmp_path], TAGS)
    assert triplets.known[:].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 1]]
    assert not bool(triplets.targets[:][~triplets.known[:]].any())


def test_a_picture_that_is_skipped_makes_no_tag_known(write, tmp_path):
    triplets = load_triplets([write([triplet("a.png", [0]), triplet("gone.png", [2])])], [tmp_path], TAGS)
    assert triplets.known[:].tolist() == [[1, 0, 0, 0]]


def test_each_file_looks_in_its_own_folder(write, tmp_path):
    (tmp_path / "more").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "more/a.png")
    file = write([triplet("a.png", [0])])
    triplets = load_triplets([file, file], [tmp_path, tmp_path / "more"], TAGS)
    assert triplets.pictures == (tmp_path / "a.png", tmp_path / "more/a.png")


@pytest.mark.parametrize("id_", [TAGS, -1, 10**12])
def test_an_id_out_of_range_is_named(write, tmp_path, id_):
    file = write([triplet("a.png", [0]), triplet("b.png", [1, id_])])
    with pytest.raises(ValueError, match=rf"entry 2 of train\.json has the tag id {id_}\b.*4 tags"):
        load_triplets([file], [tmp_path], TAGS)


@pytest.mark.parametrize(
    "entry",
    [
        "a.png",
        [0, 1],
        {"caption": [], "union_label_id": [0]},
        {"image_path": "a.png", "caption": []},
        {"image_path": 7, "union_label_id": [0]},
        triplet("a.png", "dog"),
        triplet("a.png", [1.5]),
        triplet("a.png", ["dog"]),
        {"image_path": "a.png", "caption": "a caption that is no list", "union_label_id": [0]},
        {"image_path": "a.png", "caption": [None], "union_label_id": [0]},
    ],
    ids=str,
)
def test_an_entry_of_another_form_is_named(write, tmp_path, entry):
    file = write([triplet("a.png", [0]), entry])
    with pytest.raises(ValueError, match=r"entry 2 of train\.json is not .*image_path.*ram parse"):
        load_triplets([file], [tmp_path], TAGS)


def test_captions_may_be_left_out(write, tmp_path):
    triplets = load_triplets([write([{"image_path": "a.png", "union_label_id": [0]}])], [tmp_path], TAGS)
    assert triplets.captions == ((),) and torch.equal(triplets.targets[:], torch.tensor([[True, False, False, False]]))


@pytest.mark.parametrize(("text", "what"), [("{", "is not JSON"), ('{"a": 1}', "is not a list"), ("[]", "no picture")])
def test_a_file_of_another_form_is_named(write, tmp_path, text, what):
    with pytest.raises(ValueError, match=what) as raised:
        load_triplets([write(text)], [tmp_path], TAGS)
    assert "train.json" in str(raised.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"there is no triplet file none\.json"):
        load_triplets([tmp_path / "none.json"], [tmp_path], TAGS)


def test_in_an_incomplete_source_only_listed_tags_are_known(tmp_path):
    def source(name, tags, complete):
        pictures = tuple(tmp_path / f"{name}{i}.png" for i in range(len(tags)))
        return Source(name, pictures, ((),) * len(tags), tags, complete=complete)

    triplets = Triplets.of([source("all", ((0,), (1, 2)), True), source("some", ((3,), ()), False)], TAGS)
    assert triplets.known[:].tolist() == [[1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert triplets.targets[:].tolist() == [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_tags_of_each_caption_are_read_where_all_are_listed(write, tmp_path):
    whole = {**triplet("a.png", [0, 2], ["one", "two"]), "parse_label_id": [[0], [2]]}
    file = write([whole, triplet("b.png", [1], ["one", "two"]), triplet("c.png", [3])])
    triplets = load_triplets([file], [tmp_path], TAGS)
    assert triplets.parsed == (((0,), (2,)), (), ())
    wrong = {**triplet("a.png", [0], ["one"]), "parse_label_id": [[TAGS]]}
    with pytest.raises(ValueError, match=f"entry 1 of .* has the tag id {TAGS} in parse_label_id"):
        load_triplets([write([wrong])], [tmp_path], TAGS)
