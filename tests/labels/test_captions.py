"""Captions and labels in the forms that data sets have."""

import json

import pytest

from ram.errors import InputError
from ram.labels.captions import Texts, read_captions

COCO = {
    "info": {"year": 2017},
    "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 8, "file_name": "b.jpg"}, {"id": 9, "file_name": "none.jpg"}],
    "annotations": [
        {"id": 1, "image_id": 8, "caption": "A dog.\n"},
        {"id": 2, "image_id": 7, "caption": "A cat."},
        {"id": 3, "image_id": 8, "caption": "It runs."},
    ],
}
KARPATHY = {
    "images": [
        {"filepath": "val2014", "filename": "a.jpg", "sentences": [{"raw": "A cat."}, {"raw": "It sits."}]},
        {"filename": "b.jpg", "sentences": [{"raw": "A dog."}]},
    ]
}
FORMS = {
    "coco.json": (json.dumps(COCO), {"b.jpg": ["A dog.", "It runs."], "a.jpg": ["A cat."]}),
    "bom.json": ("\ufeff" + json.dumps(COCO), {"b.jpg": ["A dog.", "It runs."], "a.jpg": ["A cat."]}),
    "karpathy.json": (json.dumps(KARPATHY), {"val2014/a.jpg": ["A cat.", "It sits."], "b.jpg": ["A dog."]}),
    "metadata.jsonl": (
        '{"file_name": "a.jpg", "text": "A cat."}\r\n\n{"file_name": "a.jpg", "text": "It sits."}\n',
        {"a.jpg": ["A cat.", "It sits."]},
    ),
    "own.jsonl": ('{"image": "a.jpg", "captions": ["A cat.", "It sits."]}', {"a.jpg": ["A cat.", "It sits."]}),
    "lines.ndjson": ('{"image_path": "a.jpg", "caption": ["A cat."]}', {"a.jpg": ["A cat."]}),
    "list.json": ('[{"image": "a.jpg", "caption": "A cat."}]', {"a.jpg": ["A cat."]}),
    "captions.txt": (
        'image,caption\na.jpg,A cat .\na.jpg,"A cat , sitting ."\n', {"a.jpg": ["A cat .", "A cat , sitting ."]}
    ),
    "lines.json": ('{"image": "a.jpg", "text": "A cat."}\n{"image": "b.jpg", "text": "A dog."}', {
        "a.jpg": ["A cat."], "b.jpg": ["A dog."]
    }),
    "one.json": ('{"image": "a.jpg", "caption": "A cat."}', {"a.jpg": ["A cat."]}),
    "map.json": ('{"a.jpg": ["A cat.", "It sits."], "b.jpg": "A dog."}', {
        "a.jpg": ["A cat.", "It sits."], "b.jpg": ["A dog."]
    }),
    "Flickr8k.token.txt": ("a.jpg#0\tA cat .\r\na.jpg#1\tIt sits .\n", {"a.jpg": ["A cat .", "It sits ."]}),
    "metadata.csv": ("file_name;text\na.jpg;A cat.\n", {"a.jpg": ["A cat."]}),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_captions_are_read_in_the_forms_of_data_sets(tmp_path, name):
    text, wanted = FORMS[name]
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_captions(tmp_path / name) == {image: Texts(found, True) for image, found in wanted.items()}


def test_results_of_ram_tag_are_labels(tmp_path):
    (tmp_path / "tags.jsonl").write_text('{"image": "a.jpg", "model": "m", "tags": ["cat"], "scores": []}\n')
    assert read_captions(tmp_path / "tags.jsonl") == {"a.jpg": Texts(["cat"], False)}


BAD = {
    "line.jsonl": ('{"image": "a.jpg", "text": "x"}\n{"image"\n', "line 2 of line.jsonl is not JSON"),
    "fields.jsonl": ('{"image": "a.jpg"}\n', "line 1 of fields.jsonl is not"),
    "twice.jsonl": ('{"image": "a", "tags": ["x"]}\n{"image": "a", "tags": ["y"]}\n', "holds a twice"),
    "nowhere.json": (
        json.dumps({**COCO, "annotations": [{"image_id": 1, "caption": "x"}]}), "annotation 1 of nowhere.json is not"
    ),
    "boxes.json": (
        json.dumps({**COCO, "annotations": [{"image_id": 7, "category_id": 1}]}),
        "boxes.json holds categories and no captions: `ram train finetune-own-labels --data FOLDER` trains on them",
    ),
    "raw.json": ('{"images": [{"filename": "a.jpg", "sentences": [{}]}]}', "image 1 of raw.json is not"),
    "table.csv": ("name,caption\na.jpg,x\n", "table.csv must be a list"),
    "token.txt": ("a.jpg#0\tA cat .\na.jpg#1 It sits .\n", "line 2 of token.txt is not"),
    "numbers.json": ('{"a.jpg": 5}', "the entry of a.jpg of numbers.json is not"),
    "empty.jsonl": ("\n", "empty.jsonl must be a list"),
    "images.json": ('{"images": 5}', "images.json must be a list"),
    "deep.jsonl": ("[" * 100_000, "line 1 of deep.jsonl is not JSON"),
    "latin.jsonl": ('{"image": "a.jpg", "text": "é"}'.encode("latin-1"), "is not UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_other_forms_get_a_sentence(tmp_path, name):
    text, sentence = BAD[name]
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as caught:
        read_captions(tmp_path / name)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)
