"""Text files beside images, as trainers of image generators keep them."""

import json

import pytest

from ram.errors import InputError
from ram.images.texts_beside import find_texts, read_folder_captions
from ram.labels.captions import Texts
from ram.training.data.own_labels import read_own_labels


@pytest.fixture
def folder(tmp_path):
    """Writes files; those that are no text are empty images."""

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return write


def tags_of(labels):
    return {picture.name: tags for picture, tags in zip(labels.pictures, labels.tags, strict=True)}


def test_tags_beside_photos_are_own_labels(folder, caplog):
    caplog.set_level("INFO", "ram")
    data = folder(
        img__cat_DOT_jpg="", img__cat_DOT_txt="an_animal, cat \\(pet\\),\n",
        img__dog_DOT_png="", img__dog_DOT_caption="\ufeffdog",
        img__bee_DOT_webp="", img__bee_DOT_webp_DOT_txt="bee\nan animal\n>_<",
        img__none_DOT_jpg="", img__empty_DOT_jpg="", img__empty_DOT_txt="",
        notes_DOT_txt="no picture has this name, but it is here.",
    )  # fmt: skip
    assert tags_of(read_own_labels(data)) == {
        "cat.jpg": ("an animal", "cat (pet)"),
        "dog.png": ("dog",),
        "bee.webp": ("bee", "an animal"),
        "empty.jpg": (),
    }
    assert caplog.messages == [
        "1 pictures have no text beside them and are left out, first: none.jpg",
        f"4 pictures of {data.name} have their tags in the text files beside them",
        '1 texts are no tags and left out, first: ">_<" has no letter or digit: type a name such as "corgi"',
    ]


def test_tags_come_before_the_names_of_folders(folder):
    data = folder(**{"10_dog__a_DOT_jpg": "", "10_dog__a_DOT_txt": "sks, collar"})
    assert tags_of(read_own_labels(data)) == {"a.jpg": ("sks", "collar")}


@pytest.mark.parametrize("boxes", ["0 0.5 0.5 1e-1 0.2\n1 0 0 1 1\n", "0, 0.16, 0.59, 0.14, 0.44"])
def test_boxes_of_yolo_are_no_texts(folder, boxes):
    data = folder(cat__a_DOT_jpg="", cat__a_DOT_txt=boxes, cat__b_DOT_jpg="")
    assert tags_of(read_own_labels(data)) == {"a.jpg": ("cat",), "b.jpg": ("cat",)}


def test_captions_beside_photos_are_not_taken_for_tags(folder):
    data = folder(a_DOT_jpg="", a_DOT_txt="A photo of a cat that sits on a mat, looking at us.")
    with pytest.raises(InputError, match="hold captions and no tags: make triplets of them by `ram parse`"):
        read_own_labels(data)


def test_captions_beside_photos_are_read_by_their_lines(folder):
    data = folder(
        sub__a_DOT_jpg="", sub__a_DOT_txt="A cat sits on a mat.\n\nIt looks at us, and it is grey.\n",
        b_DOT_jpg="", b_DOT_txt="Two dogs are running.",
    )  # fmt: skip
    assert read_folder_captions(data) == {
        "b.jpg": Texts(["Two dogs are running."], True),
        "sub/a.jpg": Texts(["A cat sits on a mat.", "It looks at us, and it is grey."], True),
    }


def test_tags_beside_photos_can_be_parsed_too(folder):
    data = folder(a_DOT_jpg="", a_DOT_txt="traffic_light, dog")
    assert read_folder_captions(data) == {"a.jpg": Texts(("traffic light", "dog"), False)}


@pytest.mark.parametrize("name, text", [
    ("metadata_DOT_jsonl", '{"file_name": "a.jpg", "text": "A cat."}'),
    ("metadata_DOT_csv", "file_name,text\na.jpg,A cat."),
])  # fmt: skip
def test_metadata_of_an_image_folder_is_read(folder, name, text):
    assert read_folder_captions(folder(a_DOT_jpg="", **{name: text})) == {"a.jpg": Texts(["A cat."], True)}


def test_a_folder_without_texts_gets_a_sentence(folder):
    with pytest.raises(InputError, match="has no picture with a text beside it, such as cat.txt for cat.jpg"):
        read_folder_captions(folder(a_DOT_jpg=""))
    assert find_texts(folder()).texts == {}


def test_a_text_in_another_encoding_is_named(folder):
    with pytest.raises(InputError, match="a.txt is not UTF-8"):
        read_own_labels(folder(a_DOT_jpg="", a_DOT_txt="café".encode("latin-1")))


def test_json_lines_are_own_labels(folder):
    data = folder(
        tags_DOT_jsonl='{"image": "sub\\\\a.jpg", "model": "m", "tags": ["dog"], "scores": []}\n', sub__a_DOT_jpg=""
    )
    labels = read_own_labels(data)
    assert labels.pictures[0].exists() and labels.tags == (("dog",),)
    assert tags_of(read_own_labels(data / "tags.jsonl")) == {"a.jpg": ("dog",)}


@pytest.mark.parametrize(
    "name, text",
    [
        ("metadata.jsonl", '{"file_name": "a.jpg", "text": "A cat."}'),
        (
            "captions.json",
            json.dumps({"images": [{"id": 1, "file_name": "a"}], "annotations": [{"image_id": 1, "caption": "A."}]}),
        ),
    ],
)
def test_captions_in_place_of_labels_point_to_parse(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=f"{name} holds captions and no tags: make triplets of them by `ram parse`"):
        read_own_labels(tmp_path)
