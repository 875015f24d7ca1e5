"""A user's own labels: three ways to write them down mean the same, and every slip is named with its line."""

import json

import pytest
from PIL import Image

from ram.labels.label_system import shipped_descriptions, shipped_vocabulary
from ram.training.data.own_labels import LabelledPictures, own_tags, read_own_labels
from ram.training.data.sources import label_system, read_labels, read_sources
from ram.training.recipe_sections import DataRecipe


@pytest.fixture
def csv(tmp_path):
    """Write ``photos.csv``; gives its path."""

    def csv(text, encoding="utf-8"):
        (tmp_path / "photos.csv").write_bytes(text.encode(encoding))
        return tmp_path / "photos.csv"

    return csv


def coco(folder, **changes):
    """Write ``instances.json`` of two pictures, one with two boxes of a kind; gives its path."""
    document = {
        "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 9, "file_name": "sub/b.jpg"}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 4, "name": "traffic light"}],
        "annotations": [
            {"image_id": 9, "category_id": 4},
            {"image_id": 7, "category_id": 1},
            {"image_id": 9, "category_id": 1},
            {"image_id": 7, "category_id": 1},
        ],
        **changes,
    }
    (folder / "instances.json").write_text(json.dumps(document))
    return folder / "instances.json"


def said(labels):
    """Name of each picture to its tags."""
    return {picture.name: set(tags) for picture, tags in zip(labels.pictures, labels.tags, strict=True)}


def test_a_csv_names_a_picture_and_its_tags_a_line(csv, tmp_path):
    labels = read_own_labels(csv('image,tags\na.jpg,cat;traffic light\nsub/b.jpg, cat ; \n\n"c, d.jpg",\n'))
    assert labels.pictures == (tmp_path / "a.jpg", tmp_path / "sub/b.jpg", tmp_path / "c, d.jpg")
    assert labels.tags == (("cat", "traffic light"), ("cat",), ())


@pytest.mark.parametrize("text", ["a.jpg,cat\n", "\ufeffimage,tags\r\na.jpg,cat\r\n", "Image , Tags\na.jpg,cat"])
def test_a_csv_needs_no_header_and_may_come_from_a_spreadsheet(csv, text):
    assert said(read_own_labels(csv(text))) == {"a.jpg": {"cat"}}


def test_folders_of_thumbnails_are_no_tags(tmp_path):
    for name in ("cat/a.jpg", "@eaDir/cat.jpg", "#recycle/b.jpg", ".thumbnails/c.jpg"):
        (tmp_path / name).parent.mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    assert said(read_own_labels(tmp_path)) == {"a.jpg": {"cat"}}


def test_an_image_listed_twice_has_the_tags_of_both_lines(csv):
    labels = read_own_labels(csv("a.jpg,Cat\nb.jpg,cat;dog\na.jpg,dog;CAT"))
    assert labels.tags == (("Cat", "dog"), ("Cat", "dog"))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("image,tags\na.jpg,cat\nb.jpg,cat,dog\n", "line 3 of photos.csv has 3 cells"),
        ("image,tags\na.jpg\n", "line 2 of photos.csv has 1 cells"),
        ("file,labels\na.jpg,cat\n", "line 1 of photos.csv begins with 'file': the columns are image and tags"),
        ("image,tags\n,cat\n", "line 2 of photos.csv names no picture"),
        ('image,tags\na.jpg,"cat\n', r"line \d of photos.csv is not CSV"),
        ("image,tags\na.jpg,cat;!!\n", "line 2 of photos.csv has an unusable tag"),
        ("image,tags\n", "photos.csv names no picture"),
        ("", "photos.csv names no picture"),
    ],
)
def test_a_slip_in_a_csv_is_named_with_its_line(csv, text, what):
    with pytest.raises(ValueError, match=what):
        read_own_labels(csv(text))


def test_text_in_another_encoding_is_said(csv):
    with pytest.raises(ValueError, match="photos.csv is not UTF-8"):
        read_own_labels(csv("image,tags\na.jpg,café\n", "latin-1"))


def test_coco_categories_become_the_tags_of_an_image(tmp_path):
    labels = read_own_labels(coco(tmp_path), tmp_path / "val2017")
    assert labels.pictures == (tmp_path / "val2017/a.jpg", tmp_path / "val2017/sub/b.jpg")
    assert said(labels) == {"a.jpg": {"cat"}, "b.jpg": {"cat", "traffic light"}}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"annotations": [{"image_id": 7, "category_id": 2}]}, "annotation 1 of instances.json has the category_id 2"),
        ({"annotations": [{"image_id": 8, "category_id": 1}]}, "annotation 1 of instances.json has the image_id 8"),
        ({"annotations": [{}]}, "annotation 1 of instances.json has the image_id None"),
        ({"annotations": [{"image_id": [], "category_id": 1}]}, "annotation 1 of instances.json has the image_id"),
        ({"annotations": None}, "no list 'annotations'"),
        ({"images": [{"id": 7}]}, "entry 1 of images in instances.json has no id or no file_name"),
        ({"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, "entry 2 of categories .* repeats the id 1"),
        ({"images": []}, "annotation 1"),
    ],
)
def test_an_id_that_points_nowhere_is_named(tmp_path, changes, what):
    with pytest.raises(ValueError, match=what):
        read_own_labels(coco(tmp_path, **changes))


@pytest.mark.parametrize("text", ["[]", "{", "[" * 100_000])
def test_json_that_is_no_coco_is_said(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match="x.json"):
        read_own_labels(tmp_path / "x.json")


def test_a_folder_for_each_tag_names_its_pictures(tmp_path):
    for name in ("cat/a.jpg", "traffic_light/deep/b.png", ".hidden/c.jpg"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert said(read_own_labels(tmp_path)) == {"a.jpg": {"cat"}, "b.png": {"traffic light"}}


def test_an_empty_folder_of_a_tag_is_named(tmp_path):
    (tmp_path / "cat").mkdir()
    with pytest.raises(ValueError, match="cat holds no picture"):
        read_own_labels(tmp_path)


def test_a_folder_stands_for_the_labels_in_it(csv, tmp_path):
    csv("a.jpg,cat")
    assert said(read_own_labels(tmp_path)) == {"a.jpg": {"cat"}}
    coco(tmp_path)
    with pytest.raises(ValueError, match="holds instances.json, photos.csv: name the file"):
        read_own_labels(tmp_path)


@pytest.mark.parametrize("name", ["none", "none.csv", "notes.txt", "empty"])
def test_what_holds_no_labels_is_said(tmp_path, name):
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=name):
        read_own_labels(tmp_path / name)


def test_own_tags_come_by_frequency_and_some_must_occur():
    labels = LabelledPictures("x", ("1", "2", "3"), (("b", "c"), ("a", "c"), ()))
    assert own_tags([labels]) == ("c", "a", "b")
    with pytest.raises(ValueError, match="no picture of x has a tag"):
        own_tags([LabelledPictures("x", ("1",), ((),))])


def data(vocabulary, descriptions="shipped", labels=("photos.csv",)):
    return DataRecipe(labels=labels, vocabulary=vocabulary, descriptions=descriptions)


def test_own_tags_get_our_descriptions_or_the_lexicons(csv, tmp_path):
    csv("a.jpg,dog;teapot\nb.jpg,dog")
    recipe = data("own")
    vocabulary, descriptions = label_system(recipe, tmp_path, read_labels(recipe, tmp_path))
    assert vocabulary.tags == ("dog", "teapot") and "teapot" not in shipped_vocabulary()
    assert descriptions["dog"] == ("a photo of a dog.", *shipped_descriptions()["dog"])
    assert descriptions["teapot"][0] == "a photo of a teapot." and len(set(descriptions["teapot"])) >= 5
    recipe = data("own", "lexicon")
    _, by_lexicon = label_system(recipe, tmp_path, read_labels(recipe, tmp_path))
    assert by_lexicon["teapot"] == descriptions["teapot"] and by_lexicon["dog"] != descriptions["dog"]


def test_own_tags_may_stand_beside_the_shipped_ones(csv, tmp_path):
    csv("a.jpg,Dog;teapot\nb.jpg,doggy")
    recipe = data("shipped+own", "template")
    labels = read_labels(recipe, tmp_path)
    vocabulary, _ = label_system(recipe, tmp_path, labels)
    assert vocabulary.tags == (*shipped_vocabulary().tags, "teapot")
    (source,) = read_sources(recipe, tmp_path, labels, vocabulary, lambda *_: None)
    dog = vocabulary.id("dog")
    assert source.tags == ((dog, vocabulary.id("teapot")), (dog,))  # a doggy is a synonym


def test_a_label_that_the_vocabulary_lacks_is_named(csv, tmp_path):
    csv("a.jpg,dog;teapot")
    recipe = data("shipped")
    labels = read_labels(recipe, tmp_path)
    with pytest.raises(ValueError, match="photos.csv has the tag 'teapot', which the vocabulary lacks"):
        read_sources(recipe, tmp_path, labels, shipped_vocabulary(), lambda *_: None)


def test_images_lie_beside_their_labels_or_in_the_named_folder(csv, tmp_path):
    csv("a.jpg,dog")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg")
    elsewhere = DataRecipe(pictures=("album",), labels=("photos.csv",), vocabulary="own")
    assert read_labels(data("own"), tmp_path)[0].pictures == (tmp_path / "a.jpg",)
    assert read_labels(elsewhere, tmp_path)[0].pictures == (tmp_path / "album/a.jpg",)
