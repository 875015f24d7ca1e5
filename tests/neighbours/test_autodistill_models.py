import numpy as np
import pytest

from ram.errors import InputError

pytest.importorskip("autodistill")


def test_a_folder_is_labelled_by_the_classes_of_an_ontology(tagger, picture, tmp_path):
    from autodistill.detection import CaptionOntology

    from ram.neighbours.autodistill_models import RamClassifier

    for i in range(4):
        picture.rotate(i).save(tmp_path / f"{i}.jpg")
    model = RamClassifier(CaptionOntology({"dog": "pet", "kite": "toy"}), tagger)
    dataset = model.label(str(tmp_path), ".jpg", str(tmp_path / "labelled"))
    assert dataset.classes == ["pet", "toy"] and len(dataset.image_paths) == 4
    assert len(list((tmp_path / "labelled").rglob("*.jpg"))) == 4


def test_an_array_is_read_as_bgr_and_a_path_as_it_is(tagger, picture, tmp_path):
    from autodistill.detection import CaptionOntology

    from ram.neighbours.autodistill_models import RamClassifier

    picture.save(tmp_path / "one.png")
    model = RamClassifier(CaptionOntology({"dog": "dog", "cat": "cat"}), tagger)
    given = [picture, str(tmp_path / "one.png"), np.asarray(picture)[:, :, ::-1]]
    first, *others = [model.predict(one).confidence.tolist() for one in given]
    assert others == [first, first]


def test_an_image_without_a_class_gets_the_likeliest(tagger, picture):
    from autodistill.detection import CaptionOntology

    from ram.neighbours.autodistill_models import RamClassifier

    found = RamClassifier(CaptionOntology({"dog": "dog", "cat": "cat"}), tagger, threshold=1.0).predict(picture)
    assert len(found.class_id) == 1


def test_a_folder_of_photos_makes_an_ontology(tagger, picture, tmp_path):
    from ram.neighbours.autodistill_models import RamBoxes, ontology_of

    picture.save(tmp_path / "one.png")
    ontology = ontology_of(tmp_path, tagger)
    assert set(ontology.classes()) == {"dog", "cat", "pine tree"}
    boxes = RamBoxes(ontology, tagger).predict(picture)
    assert len(boxes) >= 1 and (boxes.xyxy <= [60, 40, 60, 40]).all()
    with pytest.raises(InputError, match="lower at_least"):
        ontology_of(tmp_path, tagger, at_least=2)
