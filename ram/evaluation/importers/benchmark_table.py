"""The table of published benchmarks: name to class list, files that are needed, importer, and the papers' table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ram.errors import InputError
from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.importers.ade20k import read_ade20k
from ram.evaluation.importers.class_lists import read_classes
from ram.evaluation.importers.coco import read_coco
from ram.evaluation.importers.flickr30k import read_flickr30k
from ram.evaluation.importers.hico import read_hico
from ram.evaluation.importers.imagenet_real import read_imagenet_real
from ram.evaluation.importers.open_images import read_open_images, read_verified_open_images
from ram.evaluation.importers.voc import read_voc
from ram.evaluation.retrieval import CaptionedPictures


@dataclass(frozen=True)
class Part:
    """A file or folder that a benchmark needs.

    Args:
        paths: relative to the root; where there are several, the first that exists is taken.
        source: where it comes from.
    """

    paths: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class ClassList:
    """Which classes are evaluated.

    Args:
        file: name of the list that ships.
        sha256: of the list.
        count: number of classes.
        subset: only the classes of this subset; all of them where "".
    """

    file: str
    sha256: str
    count: int
    subset: str = ""


@dataclass(frozen=True)
class PublishedBenchmark:
    """One benchmark.

    Args:
        name: as the command line takes it.
        parts: what is needed, in the order of the importer's arguments.
        importer: called with the name, the classes (unless there is no list), and the path of each part.
        table: which results of the papers it makes again.
        classes: the evaluated classes; None where captions are retrieved.
    """

    name: str
    parts: tuple[Part, ...]
    importer: Callable[..., Benchmark | CaptionedPictures]
    table: str
    classes: ClassList | None = None


_OPEN_IMAGES = (
    Part(
        ("test-annotations-human-imagelabels.csv", "oidv6-test-annotations-human-imagelabels.csv"),
        "human-verified image-level labels of the test images, OpenImages V5 to V7",
    ),
    Part(("class-descriptions.csv", "oidv6-class-descriptions.csv"), "names of all classes of OpenImages"),
    Part(("test",), "the test images of OpenImages"),
)
_COMMON_214 = ClassList(
    "openimages_common_214.csv", "36d229253b98a90a3367166474e46616e0644cfc651fe718851152bc50d4c316", 214
)
_RARE_200 = ClassList(
    "openimages_rare_200.csv", "96b625967add14f97502eb6e5a3fd6c8374a9a0946d8ea02c3f219f795a9ff51", 200
)
_IMAGENET = (
    Part(("real.json",), "the repository google-research/reassessed-imagenet"),
    Part(("val",), "the validation images of ILSVRC 2012"),
)
_IMAGENET_CLASSES = ("imagenet_multi.csv", "0d32da19c2418bda5eef140a50ce22f8295029c0c10f30014149e268274284b2")
_COCO_CLASSES = ("coco.csv", "6e7e855df8aa839bddfb7013f8f8d02649ee5387ea7933a36741e89f4d542c68")
_COCO_PICTURES = Part(("val2017",), "val2017.zip of COCO")
_ADE20K = tuple(
    Part((path,), "ADEChallengeData2016.zip of the scene parsing challenge")
    for path in ("annotations/validation", "images/validation")
)
_ADE20K_CLASSES = ("ade20k.csv", "595a25ef3c1dc15aefe706b59965487a86c33e3912b2de8a0d3f960f4aec553d")
_VOC_CLASSES = ClassList("voc.csv", "1675e4133e5b40f99f5b8c5d29b559229cd9d7246dec0820985819888075c6f2", 20)


def _voc(year: int, split: str, archive: str) -> tuple[Part, ...]:
    folders = (f"ImageSets/Main/{split}.txt", "Annotations", "JPEGImages")
    return tuple(Part((f"VOCdevkit/VOC{year}/{folder}", folder), archive) for folder in folders)


_ALL = (
    PublishedBenchmark(
        "openimages-common-214", _OPEN_IMAGES, read_open_images, "RAM 2, 3; RAM++ 2, 8", _COMMON_214
    ),
    PublishedBenchmark("openimages-rare-200", _OPEN_IMAGES, read_open_images, "RAM 2, 3; RAM++ 2, 8", _RARE_200),
    PublishedBenchmark(
        "openimages-common-214-verified", _OPEN_IMAGES, read_verified_open_images, "none", _COMMON_214
    ),
    PublishedBenchmark("openimages-rare-200-verified", _OPEN_IMAGES, read_verified_open_images, "none", _RARE_200),
    PublishedBenchmark(
        "imagenet-multi-common-492",
        _IMAGENET,
        read_imagenet_real,
        "RAM++ 2",
        ClassList(*_IMAGENET_CLASSES, 492, "common"),
    ),
    PublishedBenchmark(
        "imagenet-multi-uncommon-508",
        _IMAGENET,
        read_imagenet_real,
        "RAM++ 2",
        ClassList(*_IMAGENET_CLASSES, 508, "uncommon"),
    ),
    PublishedBenchmark(
        "hico-600",
        tuple(Part((path,), "hico_20150920.tar.gz of HICO") for path in ("anno.mat", "images/test2015")),
        read_hico,
        "RAM++ 2",
        ClassList("hico_600.csv", "b108f15482462b9564b7814b73cc20ef10837de8334418345775524e59aef1b7", 600),
    ),
    PublishedBenchmark(
        "coco-80",
        (Part(("annotations/instances_val2017.json",), "annotations_trainval2017.zip of COCO"), _COCO_PICTURES),
        read_coco,
        "RAM 2, 3",
        ClassList(*_COCO_CLASSES, 80, "thing"),
    ),
    PublishedBenchmark(
        "coco-133",
        (
            Part(("annotations/panoptic_val2017.json",), "panoptic_annotations_trainval2017.zip of COCO"),
            _COCO_PICTURES,
        ),
        read_coco,
        "RAM 2, 3",
        ClassList(*_COCO_CLASSES, 133),
    ),
    PublishedBenchmark("ade20k-150", _ADE20K, read_ade20k, "RAM 2, 3", ClassList(*_ADE20K_CLASSES, 150)),
    PublishedBenchmark(
        "ade20k-clean-143", _ADE20K, read_ade20k, "RAM 2, 3; RAM++ 6", ClassList(*_ADE20K_CLASSES, 143, "clean")
    ),
    PublishedBenchmark("voc-2007", _voc(2007, "test", "VOCtest_06-Nov-2007.tar"), read_voc, "none", _VOC_CLASSES),
    PublishedBenchmark("voc-2012", _voc(2012, "val", "VOCtrainval_11-May-2012.tar"), read_voc, "none", _VOC_CLASSES),
    PublishedBenchmark(
        "flickr30k",
        (
            Part(("results_20130124.token",), "flickr30k.tar.gz, the captions of Flickr30k"),
            Part(("dataset_flickr30k.json",), "caption_datasets.zip, Karpathy's splits"),
            Part(("flickr30k-images",), "the images of Flickr30k, on request from its authors"),
        ),
        read_flickr30k,
        "RAM++ 7",
    ),
)
BENCHMARKS = {each.name: each for each in _ALL}
"""Every benchmark by its name."""


def find_benchmark(name: str) -> PublishedBenchmark:
    """Return the entry of the table.

    Raises:
        InputError: there is none.
    """
    if name not in BENCHMARKS:
        raise InputError(f"there is no benchmark {name!r}: choose {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]


def import_benchmark(entry: PublishedBenchmark, root: Path) -> Benchmark | CaptionedPictures:
    """Read a benchmark from the files that its makers publish.

    Args:
        entry: of the table.
        root: folder with the parts that the entry lists.

    Raises:
        InputError: parts are missing, all of which the message names, or a file has another form.
        ImageError: images are missing or their headers are unreadable; the message names them.
        MissingPackageError: a package that reads the annotations is not installed.
    """
    if not root.is_dir():
        raise InputError(f"there is no folder {root}: --root names the folder with {entry.parts[0].paths[0]}")
    found = [next((root / path for path in part.paths if (root / path).exists()), None) for part in entry.parts]
    missing = [part for part, path in zip(entry.parts, found, strict=True) if path is None]
    if missing:
        lacking = "; ".join(f"there is no {' or '.join(part.paths)}, which is in: {part.source}" for part in missing)
        raise InputError(f"{root} is not complete for {entry.name}: {lacking}")
    classes = entry.classes
    lists = () if classes is None else (read_classes(classes.file, classes.sha256, classes.subset),)
    return entry.importer(entry.name, *lists, *found)
