"""Looks at regions are kept in shards: resumed, shared by parts, equal in several processes."""

import json

import numpy as np
import pytest
from PIL import Image

from ram.checkpoints.model_folder import save_model
from ram.errors import InputError
from ram.text.vocabulary import TagVocabulary
from ram.training.data_engine import look_shards
from ram.training.data_engine.look_shards import LookTask, look_in_shards, read_shards
from ram.training.data_engine.region_looks import look_at_regions
from tests.tiny import tiny_bank, tiny_config, tiny_model, tiny_tagger

LABELS = TagVocabulary.of(["rainbow", "pine tree", "cat", "dog"])
pytest.importorskip("scipy")


@pytest.fixture
def task(tmp_path):
    """Five pictures in shards of two."""
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 255, (5, 30, 40, 3), np.uint8)):
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    triplets = [{"image_path": f"{n}.png", "union_label_id": [0, 2 + n % 2]} for n in range(5)]
    return LookTask(tiny_tagger(), "attention", LABELS, triplets, tmp_path, per_shard=2)


def test_shards_hold_what_one_look_sees(task, tmp_path):
    look_in_shards(task, tmp_path / "work")
    looks = read_shards(task, tmp_path / "work")
    detector = look_shards.load_detector("attention", task.tagger)
    plain = look_at_regions(task.tagger, detector, LABELS, task.triplets, tmp_path)
    assert looks.pairs == plain.pairs == tuple((n, 2 + n % 2) for n in range(5))
    np.testing.assert_allclose(looks.boxes, plain.boxes)
    np.testing.assert_allclose(looks.features, plain.features, atol=1e-3)
    np.testing.assert_array_equal(looks.probabilities, plain.probabilities)


def test_a_stopped_run_goes_on_with_the_shards_that_are_missing(task, tmp_path, monkeypatch):
    look_in_shards(task, tmp_path / "work")
    (tmp_path / "work" / "looks-000001.npz").unlink()
    with pytest.raises(InputError, match="1 of 3 shards are missing in work"):
        read_shards(task, tmp_path / "work")
    firsts, real = [], look_shards.look_at_regions
    monkeypatch.setattr(look_shards, "look_at_regions", lambda *args: firsts.append(args[-1]) or real(*args))
    look_in_shards(task, tmp_path / "work")
    assert firsts == [2] and len(read_shards(task, tmp_path / "work").pairs) == 5


def test_parts_share_the_shards_between_them(task, tmp_path):
    look_in_shards(task, tmp_path / "work", part=(2, 2))
    assert [path.name for path in sorted((tmp_path / "work").glob("*.npz"))] == ["looks-000001.npz"]
    look_in_shards(task, tmp_path / "work", part=(1, 2))
    assert len(read_shards(task, tmp_path / "work").pairs) == 5


def test_shards_of_other_triplets_are_refused(task, tmp_path):
    look_in_shards(task, tmp_path / "work")
    other = LookTask(task.tagger, "attention", LABELS, task.triplets[:4], tmp_path, per_shard=2)
    with pytest.raises(InputError, match="work holds the looks of other triplets or of another model"):
        look_in_shards(other, tmp_path / "work")


def test_nothing_to_judge_is_one_sentence(task, tmp_path):
    gone = [{"image_path": "gone.png", "union_label_id": [3]}]
    lost = LookTask(task.tagger, "attention", LABELS, gone, tmp_path)
    look_in_shards(lost, tmp_path / "work")
    with pytest.raises(InputError, match="tiny can judge no tag of the 1 triplets, such as there is no file gone.png"):
        read_shards(lost, tmp_path / "work")


@pytest.mark.slow
def test_several_processes_see_the_same(task, tmp_path):
    look_in_shards(task, tmp_path / "one")
    look_in_shards(task, tmp_path / "two", processes=2)
    one, two = (read_shards(task, tmp_path / name) for name in ("one", "two"))
    assert one.pairs == two.pairs
    np.testing.assert_allclose(one.probabilities, two.probabilities, atol=1e-6)


def test_the_command_looks_in_parts_and_then_cleans(task, tmp_path, hash_encoder, ended):
    pytest.importorskip("sklearn")
    save_model(tmp_path / "model", tiny_config(), tiny_model(), tiny_bank())
    (tmp_path / "train.json").write_text(json.dumps(list(task.triplets)))
    (tmp_path / "labels.txt").write_text("\n".join(LABELS.tags))
    asked = ("clean", tmp_path / "train.json", "--pictures", tmp_path, "--labels", tmp_path / "labels.txt")
    asked += ("--model", tmp_path / "model", "--work", tmp_path / "work")
    code, out, err = ended(*asked, "--part", "2/2")
    assert code == 0 and "part 2 of 2 is in" in out, err
    code, out, err = ended(*asked, "--seen-over", 1, "--output", tmp_path / "clean.json", "--report", tmp_path / "page")
    assert code == 0 and "5 tags of 5 pictures judged, 5 struck out: 0 outlying, 5 not seen" in out, err
    assert (tmp_path / "page" / "index.html").is_file()
    code, _, err = ended(*asked[:-2], "--part", "1/2")
    assert code == 2 and "--part needs --work FOLDER" in err
