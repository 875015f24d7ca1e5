"""`ram boxes` and the files that it writes, read again by their own rules."""

import json

import pytest

PRESENT = {"--threshold": "0.0", "--top": "2"}


def run(ended, models, photos, *more):
    flags = [part for pair in PRESENT.items() for part in pair]
    return ended("boxes", photos, "--model", models["tiny-plus"], *flags, *more)


def test_each_picture_gets_its_boxes(ended, words, models, photos):
    code, out, _ = run(ended, models, photos, "--json")
    documents = json.loads(out)
    assert code == 0 and len(documents) == 3
    for document in documents:
        assert len(document["regions"]) == 2 and set(document["regions"][0]) == {"tag", "probability", "box"}
    code, out, _ = run(ended, models, photos)
    assert code == 0 and len(out.splitlines()) == 9


def test_coco_has_boxes_in_pixels(ended, words, models, photos, tmp_path):
    code, out, _ = run(ended, models, photos, "--output", tmp_path / "boxes.json")
    document = json.loads((tmp_path / "boxes.json").read_text())
    assert code == 0 and out == "" and len(document["images"]) == 3 and len(document["annotations"]) == 6
    names = {category["id"]: category["name"] for category in document["categories"]}
    for annotation in document["annotations"]:
        left, top, width, height = annotation["bbox"]
        assert annotation["category_id"] in names and annotation["area"] == pytest.approx(width * height, abs=0.01)
        assert 0 <= left and left + width <= 40.01 and top + height <= 30.01


def test_yolo_has_shares_and_the_pictures(ended, words, models, photos, tmp_path):
    code, _, _ = run(ended, models, photos, "--yolo", tmp_path / "set")
    assert code == 0
    labels = sorted((tmp_path / "set" / "labels").glob("*.txt"))
    assert [file.stem for file in labels] == ["0", "1", "2"] and (tmp_path / "set" / "images" / "0.png").is_file()
    names = (tmp_path / "set" / "data.yaml").read_text().partition("names:\n")[2].splitlines()
    for line in labels[0].read_text().splitlines():
        index, across, down, width, height = line.split()
        assert int(index) < len(names) and all(0 < float(share) <= 1 for share in (across, down, width, height))
    code, _, errors = run(ended, models, photos, "--yolo", tmp_path / "set")
    assert code == 2 and "name a new folder" in errors


def test_an_unreadable_picture_is_named_and_the_others_go_on(ended, words, models, photos, tmp_path):
    (photos / "0.png").write_bytes(b"no picture")
    code, out, errors = run(ended, models, photos, "--json")
    assert code == 2 and len(json.loads(out)) == 2 and "0.png" in errors and "1 of 3 pictures" in errors


def test_boxes_of_an_earlier_run_stay_where_no_picture_can_be_read(ended, words, models, photos, tmp_path):
    (tmp_path / "boxes.json").write_text("of an earlier run")
    for picture in photos.iterdir():
        picture.write_bytes(b"no picture")
    code, _, errors = run(ended, models, photos, "--output", tmp_path / "boxes.json")
    assert code == 2 and "3 of 3 pictures" in errors
    assert (tmp_path / "boxes.json").read_text() == "of an earlier run"
