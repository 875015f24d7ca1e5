"""Pascal VOC: annotations of made-up images, with objects that are difficult."""

import numpy as np
import pytest

from ram.evaluation.benchmarks import evaluate


@pytest.fixture
def write(root, draw):
    """Write a split of images with their objects, each a class and whether it is difficult."""

    def voc(objects, folder="VOCdevkit/VOC2007", split="test"):
        for part in ("Annotations", "ImageSets/Main"):
            (root / folder / part).mkdir(parents=True, exist_ok=True)
        (root / folder / f"ImageSets/Main/{split}.txt").write_text("".join(f"{image}\n" for image in objects))
        for image, found in objects.items():
            draw(f"{folder}/JPEGImages/{image}.jpg")
            each = "".join(
                f"<object><name>{name}</name><difficult>{difficult}</difficult></object>" for name, difficult in found
            )
            annotation = f"<annotation><filename>{image}.jpg</filename>{each}</annotation>"
            (root / folder / f"Annotations/{image}.xml").write_text(annotation)

    return voc


OBJECTS = {
    "000001": [("dog", 0), ("dog", 1), ("sofa", 1)],
    "000002": [("sofa", 0)],
    "000004": [],
    "000006": [("dog", 0), ("sofa", 0)],
}


@pytest.mark.parametrize("year, split", [("2007", "test"), ("2012", "val")])
def test_difficult_objects_count_neither_way(write, imported, positives, year, split):
    write(OBJECTS, f"VOCdevkit/VOC{year}", split)
    benchmark = imported(f"voc-{year}")
    assert len(benchmark.tags) == 20
    assert list(positives(benchmark).values()) == [["dog"], ["couch"], [], ["dog", "couch"]]
    dog, sofa = benchmark.tags.index("dog"), benchmark.tags.index("couch")
    assert np.argwhere(~benchmark.known).tolist() == [[0, sofa]]
    scores = np.zeros((4, 20))
    scores[:, dog], scores[:, sofa] = (0.9, 0.8, 0.1, 0.7), (1.0, 0.2, 0.9, 0.8)
    # dog at ranks 1 and 3 of four; sofa at 2 and 3 of three
    report = evaluate(scores, benchmark)
    assert report.average_precisions[[dog, sofa]] == pytest.approx([(1 + 2 / 3) / 2, (1 / 2 + 2 / 3) / 2])
    assert report.rates.precision[[dog, sofa]] == pytest.approx([2 / 3, 1 / 2])


def test_the_root_may_be_the_folder_of_the_year(write, imported, positives):
    write(OBJECTS, ".")
    assert len(positives(imported("voc-2007"))) == 4


@pytest.mark.parametrize(
    "content, sentence",
    [
        ("<annotation>", "000001.xml is not XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><annotation/>', "000001.xml is not an annotation of VOC: .* declares entities"),
        ("<a><object><name>yak</name></object></a>", "000001.xml has an object of the class 'yak'"),
        (None, "000001.xml cannot be read: No such file"),
    ],
)
def test_annotations_with_faults_are_named(write, imported, root, content, sentence):
    write(OBJECTS)
    file = root / "VOCdevkit/VOC2007/Annotations/000001.xml"
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(ValueError, match=sentence):
        imported("voc-2007")


def test_missing_and_repeated_images_are_named(write, imported, root):
    write(OBJECTS)
    (root / "VOCdevkit/VOC2007/JPEGImages/000004.jpg").unlink()
    with pytest.raises(ValueError, match="1 of 4 pictures of voc-2007 cannot be used: there is no file 000004.jpg"):
        imported("voc-2007")
    (root / "VOCdevkit/VOC2007/ImageSets/Main/test.txt").write_text("000001\n000002\n000001\n")
    with pytest.raises(ValueError, match="test.txt holds 000001 twice"):
        imported("voc-2007")
