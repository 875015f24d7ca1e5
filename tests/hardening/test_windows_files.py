"""Files as Windows, Notepad and Excel write them: byte order marks, UTF-16, semicolons, backslashes."""

import io
import json
import shutil
import tarfile

import pytest
from PIL import Image

from ram.cli import triplet_files
from ram.errors import InputError
from ram.evaluation.benchmarks import load_benchmark
from ram.labels.captions import read_captions, select_split
from ram.labels.hypernyms import load_kinds
from ram.text.files import listed_path, read_table
from ram.training.data.own_labels import read_own_labels
from ram.training.data.shards import _read_shard
from ram.training.data.triplets import read_triplets
from ram.training.data_engine.generated_tags import read_words
from ram.training.recipe import Recipe, shipped_recipes

PICTURES = ({"image": "img/a.jpg", "captions": ["a café"], "tags": ["cat"]},)
COCO = {
    "images": [{"id": 1, "file_name": "img/a.jpg"}],
    "categories": [{"id": 2, "name": "cat"}],
    "annotations": [{"image_id": 1, "category_id": 2}],
}
TRIPLETS = [{"image_path": "img/a.jpg", "caption": ["a café"], "union_label_id": [0], "parse_label_id": [[0]]}]
READERS = {
    "labels.csv": ("image,tags\nimg/a.jpg,cat;café\n", read_own_labels),
    "coco.json": (json.dumps(COCO), read_own_labels),
    "captions.json": (json.dumps(PICTURES), read_captions),
    "splits.json": ('{"train": ["a"]}', lambda path: select_split({"a": None}, path, "train")),
    "triplets.json": (json.dumps(TRIPLETS), lambda path: read_triplets(path, path.parent, 1)),
    "generate.json": (json.dumps(TRIPLETS), lambda path: triplet_files.read_triplets(path, 1)),
    "words.txt": ("café\ncat\n", read_words),
    "kinds.csv": ("tag,kind,hypernyms\ncat,object,animal\nanimal,object,\n", load_kinds),
    "recipe.toml": (shipped_recipes()["finetune-own-labels"].read_text(), Recipe.load),
    "benchmark.json": (json.dumps(PICTURES), lambda path: load_benchmark(path).pictures),
}


@pytest.fixture(autouse=True)
def picture(tmp_path):
    (tmp_path / "img").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "img" / "a.jpg")


def written(folder, name, encoding="utf-8", line_end="\n"):
    path = folder / name
    path.write_bytes(READERS[name][0].replace("\n", line_end).encode(encoding))
    return path


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_from_notepad_is_read_as_any_other(tmp_path, name, encoding):
    read = READERS[name][1]
    expected = read(written(tmp_path, name))
    assert read(written(tmp_path, name, encoding, "\r\n")) == expected


@pytest.mark.parametrize("name", READERS)
def test_an_encoding_that_cannot_be_known_is_named(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b'"caf\xe9"\n')
    with pytest.raises(InputError, match=r"not UTF-8 text: line 1 .*Windows-1252; save the file as UTF-8"):
        READERS[name][1](path)


@pytest.mark.parametrize(
    "text",
    ["image;tags\nimg/a.jpg;cat\n", 'image;tags\nimg/a.jpg;"cat"\n', "img/a.jpg;cat\n", "image\ttags\nimg/a.jpg\tcat"],
)
def test_labels_may_be_separated_as_the_system_separates_lists(tmp_path, text):
    (tmp_path / "labels.csv").write_text(text)
    assert read_own_labels(tmp_path / "labels.csv").tags == (("cat",),)


@pytest.mark.parametrize(
    "text",
    [
        "image,tags,,\r\nimg/a.jpg,cat,,\r\n,,,\r\n",
        "sep=;\r\nimage;tags\r\nimg/a.jpg;cat\r\n",
        '"sep=,",\nimage,tags\nimg/a.jpg,cat\n',
        "image,tags\rimg/a.jpg,cat\r",
    ],
)
def test_what_spreadsheets_add_to_a_table_is_left_out(tmp_path, text):
    (tmp_path / "labels.csv").write_text(text, newline="")
    assert read_own_labels(tmp_path / "labels.csv").tags == (("cat",),)


def test_a_table_with_empty_columns_and_rows_is_read_by_its_heading(tmp_path):
    (tmp_path / "tags.csv").write_text("sep=;\ntag;threshold;;\ndog;0.5;;\n;;;\ncat;;;\n")
    assert list(read_table(tmp_path / "tags.csv", ("tag",))) == [
        (3, {"tag": "dog", "threshold": "0.5"}),
        (5, {"tag": "cat", "threshold": ""}),
    ]
    (tmp_path / "tags.csv").write_text('tag,threshold\ndog,"0.5\n')
    with pytest.raises(InputError, match=r"line \d of tags.csv is not CSV"):
        list(read_table(tmp_path / "tags.csv", ("tag",)))


@pytest.mark.parametrize("row", ["img/a.jpg;cat;dog", 'img/a.jpg;"cat;dog"'])
def test_several_tags_may_be_separated_like_the_cells(tmp_path, row):
    (tmp_path / "labels.csv").write_text(f"image;tags\n{row}\n")
    assert read_own_labels(tmp_path / "labels.csv").tags == (("cat", "dog"),)


def test_tags_separated_by_commas_say_what_separates_them(tmp_path):
    (tmp_path / "labels.csv").write_text('image,tags\nimg/a.jpg,"cat, dog"\n')
    with pytest.raises(InputError, match="line 2 of labels.csv separates its tags by commas: .*semicolons"):
        read_own_labels(tmp_path / "labels.csv")


@pytest.mark.parametrize("name", ["labels.csv", "coco.json", "triplets.json"])
def test_backslashes_in_lists_lead_to_the_pictures(tmp_path, name):
    path = written(tmp_path, name)
    path.write_text(path.read_text().replace("img/a", "img\\\\a" if name.endswith("json") else "img\\a"))
    assert READERS[name][1](path).pictures == (tmp_path / "img" / "a.jpg",)


def test_backslashes_in_benchmarks_lead_to_the_pictures(tmp_path):
    path = tmp_path / "benchmark.json"
    path.write_text(json.dumps([{**PICTURES[0], "image": "img\\a.jpg"}]))
    assert load_benchmark(path).pictures == (tmp_path / "img" / "a.jpg",)
    official = tmp_path / "zoo"
    shutil.copytree(tmp_path / "img", official / "imgs" / "more")
    (official / "zoo_taglist.txt").write_text("cat\n")
    (official / "zoo_annots.txt").write_text("more\\a,cat\n")
    assert load_benchmark(official).pictures == (official / "imgs" / "more" / "a.jpg",)


def test_a_name_that_holds_a_backslash_is_left_alone(tmp_path):
    assert listed_path(tmp_path, "img\\a.jpg") == tmp_path / "img" / "a.jpg"
    (tmp_path / "img\\a.jpg").touch()
    assert listed_path(tmp_path, "img\\a.jpg") == tmp_path / "img\\a.jpg"


def test_texts_in_shards_may_have_a_mark(tmp_path):
    with tarfile.open(tmp_path / "0.tar", "w") as shard:
        for name, content in (("a.jpg", (tmp_path / "img/a.jpg").read_bytes()), ("a.txt", "\ufeffa café".encode())):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            shard.addfile(info, io.BytesIO(content))
    (entry,), skipped = _read_shard(1, tmp_path / "0.tar")
    assert entry.captions == ("a café",) and not skipped
