"""The table: counts and checksums of the class lists, and sentences about what is missing."""

import pytest

from ram.evaluation.importers import class_lists
from ram.evaluation.importers.benchmark_table import BENCHMARKS, find_benchmark, import_benchmark
from ram.evaluation.importers.class_lists import read_classes
from tests.paths import SHARED

LISTED = [entry for entry in BENCHMARKS.values() if entry.classes is not None]


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: entry.name)
def test_a_class_list_is_what_the_table_says(entry):
    classes = read_classes(entry.classes.file, entry.classes.sha256, entry.classes.subset)
    assert len(classes) == entry.classes.count == len({one.key for one in classes})
    assert all(one.tag and one.tag == one.tag.strip() for one in classes)


@pytest.mark.parametrize(
    "name, official",
    [
        ("openimages-common-214", "openimages_common_214_ram"),
        ("openimages-rare-200", "openimages_rare_200_ram"),
        ("hico-600", "hico_600"),
        ("imagenet-multi-common-492", "imagenet_multi_1000"),
    ],
)
def test_the_classes_are_those_of_the_official_lists(name, official):
    file = SHARED / f"data/official_lists/{official}_taglist.txt"
    if not file.exists():
        pytest.skip("needs the shared official lists")
    listed = BENCHMARKS[name].classes
    classes = read_classes(listed.file, listed.sha256)
    ours = [one.name or one.tag for one in classes]
    assert ours == [line.replace("_", " ") for line in file.read_text().splitlines()]


@pytest.mark.parametrize("name", ["imagenet-multi-common-492", "openimages-common-214"])
def test_common_classes_are_in_the_official_vocabulary(name):
    file = SHARED / "data/official_lists/ram_tag_list.txt"
    if not file.exists():
        pytest.skip("needs the shared official lists")
    listed, vocabulary = BENCHMARKS[name].classes, set(map(str.casefold, file.read_text().splitlines()))
    classes = read_classes(listed.file, listed.sha256, listed.subset)
    assert [one.tag for one in classes if one.tag.casefold() not in vocabulary] == []


def test_a_changed_class_list_is_refused(monkeypatch):
    listed = BENCHMARKS["voc-2007"].classes
    monkeypatch.setattr(class_lists, "read_text", lambda path: "key,tag\ndog,cat\n")
    with pytest.raises(ValueError, match="the class list voc.csv of this package was changed"):
        read_classes(listed.file, listed.sha256)


def test_everything_that_is_missing_is_named_with_its_source(root, draw):
    entry = find_benchmark("coco-80")
    with pytest.raises(ValueError, match="no folder .*gone: --root names the folder with annotations/instances"):
        import_benchmark(entry, root / "gone")
    missing = (
        "is not complete for coco-80: there is no annotations/instances_val2017.json, which is in: "
        "annotations_trainval2017.zip of COCO"
    )
    with pytest.raises(ValueError, match=f"{missing}; there is no val2017, which is in: val2017.zip of COCO$"):
        import_benchmark(entry, root)
    draw("val2017/a.jpg")
    with pytest.raises(ValueError, match=f"{missing}$"):
        import_benchmark(entry, root)


def test_an_unknown_name_is_answered_with_all_names():
    with pytest.raises(ValueError, match="there is no benchmark 'coco': choose openimages-common-214, .*flickr30k$"):
        find_benchmark("coco")
