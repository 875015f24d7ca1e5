"""Shards hold the same pictures, captions and tags as files do, and what is broken in them is left out by name."""

import io
import json
import random
import tarfile

import numpy as np
import pytest
import torch

from ram.errors import ImageError
from ram.images.opening import open_image
from ram.training.data.decoding import open_training_picture
from ram.training.data.shards import ShardPicture, expand_braces, find_shards, read_shards, shuffle
from ram.training.data.training_set import read_training_set
from ram.training.initial import initial_model
from ram.training.loop import train
from tests.toy_run import draw, make_data, toy_recipe, use_hash_text_encoder

TAGS = 4


def quiet(*_):
    """A progress callback that says nothing."""


def jpeg(left, right):
    stream = io.BytesIO()
    draw(left, right).save(stream, "JPEG")
    return stream.getvalue()


def pack(path, *members):
    """Write a tar file of (name, content); gives its path."""
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def sample(caption, *ids):
    return json.dumps({"caption": caption, "union_label_id": list(ids)}).encode()


RED, GREEN = jpeg("red", "blue"), jpeg("green", "white")


def test_a_sample_is_the_files_that_share_a_name(tmp_path):
    shard = pack(
        tmp_path / "0.tar",
        ("d/000001.jpg", RED),
        ("d/000001.json", sample(["one", "two"], 3, 0)),
        ("d/000002.cls", b"1"),
        ("d/000002.JPG", GREEN),
        ("d/000002.txt", b"a green thing\n"),
        ("000003.json", sample("one alone")),
        ("000003.png", RED),
        ("000004.jpg", RED),
    )
    entries, skipped = read_shards([shard], TAGS, 0, quiet)
    assert [(e.picture.member, e.captions, e.tags) for e in entries] == [
        ("d/000001.jpg", ("one", "two"), (3, 0)),
        ("d/000002.JPG", ("a green thing",), None),
        ("000003.png", ("one alone",), ()),
        ("000004.jpg", (), None),
    ]
    assert skipped == []
    for entry, content in zip(entries, (RED, GREEN, RED, RED), strict=True):
        wanted = np.asarray(open_image(content))
        assert np.array_equal(np.asarray(open_training_picture(entry.picture)), wanted)


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([("1.json", sample("x"))], "has 0 pictures"),
        ([("1.jpg", RED), ("1.png", RED)], "has 2 pictures"),
        ([("1.jpg", RED), ("1.json", b"{")], "Expecting property name"),
        ([("1.jpg", RED), ("1.json", b"[" * 100_000)], "recursion"),
        ([("1.jpg", RED), ("1.json", b"[1]")], "no object"),
        ([("1.jpg", RED), ("1.json", sample([7]))], "no caption that is a text"),
        ([("1.jpg", RED), ("1.json", sample("x", TAGS))], "no list of tag ids under 4"),
        ([("1.jpg", RED), ("1.json", sample("x", True))], "no list of tag ids under 4"),
        ([("1.jpg", RED), ("1.txt", b"\xff")], "can't decode"),
    ],
    ids=str,
)
def test_a_broken_sample_is_skipped_by_name_and_the_next_is_read(tmp_path, members, why):
    shard = pack(tmp_path / "0.tar", *members, ("2.jpg", GREEN), ("2.json", sample("fine", 1)))
    entries, skipped = read_shards([shard], TAGS, 0, quiet)
    assert [entry.captions for entry in entries] == [("fine",)]
    assert len(skipped) == 1 and skipped[0].startswith(f"{shard}/1: ") and why in skipped[0]


@pytest.mark.parametrize("cut", [0, 100, 2500, 5000])
def test_a_shard_that_was_cut_short_is_named_and_others_are_read(tmp_path, cut):
    members = [(f"{i}.{end}", content) for i in range(3) for end, content in (("jpg", RED), ("json", sample("x", 1)))]
    whole, broken = pack(tmp_path / "0.tar", *members), pack(tmp_path / "1.tar", *members)
    broken.write_bytes(broken.read_bytes()[:cut])
    entries, skipped = read_shards([broken, whole], TAGS, 0, quiet)
    read = [entry for entry in entries if entry.picture.shard == broken]
    assert len(entries) - len(read) == 3 and len(read) < 3
    assert len(skipped) == 1 and str(broken) in skipped[0] and f"after {len(read)} samples" in skipped[0]


def test_compressed_shards_are_refused_by_name(tmp_path):
    with tarfile.open(tmp_path / "0.tar", "w:gz"):
        pass
    entries, skipped = read_shards([tmp_path / "0.tar"], TAGS, 0, quiet)
    assert entries == [] and "0.tar" in skipped[0]


def test_worker_processes_read_shards_in_the_same_order(tmp_path):
    shards = [pack(tmp_path / f"{i}.tar", (f"{i}.jpg", RED), (f"{i}.txt", b"x"), (f"{i}b.txt", b"x")) for i in range(4)]
    assert read_shards(shards, TAGS, 2, quiet) == read_shards(shards, TAGS, 0, quiet)


def test_a_picture_that_is_gone_from_its_shard_is_an_error(tmp_path):
    shard = pack(tmp_path / "0.tar", ("1.jpg", RED))
    (entry,), _ = read_shards([shard], TAGS, 0, quiet)
    shard.write_bytes(shard.read_bytes()[:1000])
    with pytest.raises(ImageError, match="1.jpg"):
        open_training_picture(entry.picture)
    shard.unlink()
    with pytest.raises(ImageError, match="0.tar"):
        open_training_picture(entry.picture)


def test_braces_stand_for_numbers_and_words():
    assert expand_braces("a.tar") == ["a.tar"]
    assert expand_braces("{08..11}.tar") == ["08.tar", "09.tar", "10.tar", "11.tar"]
    assert expand_braces("{a,b}/{0..1}") == ["a/0", "a/1", "b/0", "b/1"]
    for wrong in ("{3..1}", "{0..99999999}"):
        with pytest.raises(ValueError, match="it must go up"):
            expand_braces(wrong)


def test_shards_are_found_by_patterns_below_a_folder(tmp_path):
    folder = tmp_path / "odd [name]"
    wanted = [pack(folder / f"{name}.tar") for name in ("a0", "a1", "b0")]
    assert find_shards(["a{0..1}.tar", "*.tar"], folder) == wanted
    with pytest.raises(ValueError, match=r"names 2 shards that are not there, first a2\.tar"):
        find_shards(["a{0..3}.tar"], folder)
    with pytest.raises(ValueError, match=r"no shard 'c\*\.tar'"):
        find_shards(["c*.tar"], folder)


def test_shuffling_keeps_the_pictures_of_a_shard_near_each_other(tmp_path):
    pictures = [ShardPicture(tmp_path / str(i // 10), str(i), 0, 1) for i in range(200)]
    order = shuffle(pictures, torch.Generator().manual_seed(0), buffer=20)
    assert sorted(order.tolist()) == list(range(200))
    for start in range(0, 200, 20):  # a buffer holds two shards, mixed
        part = (order[start : start + 20] // 10).tolist()
        assert len(set(part)) == 2 and part != sorted(part) and part != sorted(part, reverse=True)
    again, other = (shuffle(pictures, torch.Generator().manual_seed(seed), buffer=20) for seed in (0, 1))
    assert torch.equal(order, again) and not torch.equal(order, other)


def test_image_files_are_shuffled_all_together(tmp_path):
    paths = [tmp_path / str(i) for i in range(100)]
    order = shuffle(paths, torch.Generator().manual_seed(0), buffer=5)
    assert torch.equal(order, torch.randperm(100, generator=torch.Generator().manual_seed(0)))


@pytest.fixture
def data(tmp_path, monkeypatch):
    use_hash_text_encoder(monkeypatch)
    return make_data(tmp_path / "data", train=11, dev=3)


def test_training_from_shards_is_training_from_files(data, tmp_path, ended):
    entries = json.loads((data / "train.json").read_text())
    packed = [*entries, {**entries[0], "image_path": "gone.png"}]
    (data / "more.json").write_text(json.dumps(packed))
    code, out, err = ended("shard", data / "more.json", "--pictures", data / "pictures", "--output", data / "shards",
                           "--per-shard", 5, "--json")  # fmt: skip
    document = json.loads(out)
    assert code == 0 and [name[-10:] for name in document["shards"]] == ["000000.tar", "000001.tar", "000002.tar"]
    assert len(document["skipped"]) == 1 and "gone.png" in err
    recipe = toy_recipe(epochs=1)
    files, encoder = tmp_path / "files", initial_model(recipe, data).image_encoder
    files.mkdir()
    read_training_set(recipe, data, files, files, encoder, quiet)
    changed = {**vars(recipe.data), "triplets": (), "pictures": (), "shards": ("shards/{000000..000002}.tar",)}
    shards = type(recipe)(**{**vars(recipe), "data": type(recipe.data)(**changed)})
    train(shards, data, tmp_path / "shards")
    # the order of an epoch differs, the pictures and words do not
    for name in ("captions-*.safetensors", "patches-*.npy"):
        of_files, of_shards = (next((tmp_path / run).glob(name)).read_bytes() for run in ("files", "shards"))
        assert of_files == of_shards


def test_shards_are_not_written_over(data, ended):
    where = ("--pictures", data / "pictures", "--output", data / "shards")
    assert ended("shard", data / "train.json", *where)[0] == 0
    code, _, err = ended("shard", data / "train.json", *where)
    assert code == 2 and "shards holds 000000.tar already" in err


def test_random_bytes_never_end_in_a_stack_trace(tmp_path):
    numbers = random.Random(0)
    shard = pack(tmp_path / "0.tar", ("1.jpg", RED), ("1.json", sample("x", 1)), ("2.jpg", GREEN), ("2.txt", b"y"))
    sound = bytearray(shard.read_bytes())
    for _ in range(150):
        broken = bytearray(sound)
        for _ in range(4):
            broken[numbers.randrange(len(broken))] = numbers.randrange(256)
        shard.write_bytes(broken)
        entries, skipped = read_shards([shard], TAGS, 0, quiet)
        assert len(entries) <= 4 and all(isinstance(line, str) for line in skipped)


def test_names_with_dots_make_samples_of_their_own(tmp_path):
    shard = pack(
        tmp_path / "0.tar",
        ("d/22.05.jpg", RED),
        ("d/22.05.json", sample("one", 1)),
        ("d/22.06.JPG", GREEN),
        ("d/22.06.txt", b"two"),
        ("d.v1/7.1.2.png", RED),
    )
    entries, skipped = read_shards([shard], TAGS, 0, quiet)
    assert [(e.picture.member, e.captions, e.tags) for e in entries] == [
        ("d/22.05.jpg", ("one",), (1,)),
        ("d/22.06.JPG", ("two",), None),
        ("d.v1/7.1.2.png", (), None),
    ]
    assert skipped == []


def test_endings_of_several_parts_belong_to_one_sample(tmp_path):
    shard = pack(
        tmp_path / "0.tar",
        ("1.image.jpg", RED),
        ("1.meta.json", sample("one", 1)),
        ("2.jpg", RED),
        ("2.json", sample("two", 2)),
        ("2.statistics.json", b"[]"),
    )
    entries, skipped = read_shards([shard], TAGS, 0, quiet)
    assert [(e.picture.member, e.captions) for e in entries] == [("1.image.jpg", ("one",)), ("2.jpg", ("two",))]
    assert skipped == []


@pytest.mark.parametrize("names", [("3.jpg", "3.left.jpg"), ("3.left.jpg", "3.right.jpg", "3.meta.json")])
def test_several_images_of_one_sample_name_the_rule_of_dots(tmp_path, names):
    shard = pack(tmp_path / "0.tar", *((name, RED if name.endswith("jpg") else sample("x")) for name in names))
    entries, (fault,) = read_shards([shard], TAGS, 0, quiet)
    assert entries == []
    assert fault.endswith("/3: has 2 pictures: a sample, the files of one name up to its first dot, has one")
