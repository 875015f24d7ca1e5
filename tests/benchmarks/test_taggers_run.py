"""A run of the comparison of taggers: each method on tiny models, its file, and the document made from it."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import taggers, taggers_table
from benchmarks.labelled_photos import LabelledPhotos, is_held_out
from benchmarks.tables.result_files import RESULTS
from benchmarks.tagger_measures import Result
from benchmarks.taggers_file import read_comparison, write_comparison
from benchmarks.taggers_parts import rows_of_part, spread_photos, take_photos
from ram.errors import InputError, MissingPackageError
from ram.evaluation.baselines import baseline_loading
from ram.evaluation.benchmarks import Benchmark
from ram.runtime import quiet
from tests.tiny import tiny_tagger

TAGS = ("dog", "cat", "wolf")
LEVELS = (0, 10, 60, 130, 220, 250)


@pytest.fixture
def photos(tmp_path):
    """Six photos of one grey each: dogs are dark, cats are bright, and nothing is a wolf."""
    paths = tuple(tmp_path / f"{level}.png" for level in LEVELS)
    for path, level in zip(paths, LEVELS, strict=True):
        Image.new("RGB", (16, 16), (level,) * 3).save(path)
    targets = np.array([[level < 100, level >= 100, False] for level in LEVELS])
    return LabelledPhotos(Benchmark("grey", TAGS, paths, targets, np.ones_like(targets)), ~targets, ("animal",) * 3)


@pytest.fixture
def labelled(photos, monkeypatch):
    """The photos in the place of those that ship, in their parts."""
    of_part = lambda part, folder=None: take_photos(photos, rows_of_part(photos, part))  # noqa: E731
    monkeypatch.setattr(taggers, "load_labelled", of_part)
    held_out = [is_held_out(path.name) for path in photos.benchmark.pictures]
    assert 0 < sum(held_out) < len(held_out) - 1
    return photos


@pytest.mark.parametrize("name, wolves", [("ram-plus-lite", True), ("tag2text-lite", False)])
def test_a_model_scores_what_it_knows_and_ram_any_tag(name, wolves, photos, monkeypatch):
    tagger = tiny_tagger()
    tagger = tagger.with_bank(tagger.bank.with_thresholds([0.3, 0.4, 0.6]))
    monkeypatch.setattr(taggers, "load", lambda name, device: tagger)
    seen = []
    result = taggers.run_model(name, photos, lambda what, done, total: seen.append((done, total)))
    assert seen == [(done, 6) for done in range(6)]
    expected = tagger.tag(photos.benchmark.pictures[2])
    assert result.scores[2, :2] == pytest.approx([expected["dog"].probability, expected["cat"].probability], abs=1e-6)
    assert list(result.thresholds[:2]) == [0.3, 0.4]
    assert bool(result.scores[:, 2].any()) is wolves and "2 tags of the vocabulary; 1" in result.note
    assert 0 < result.processor_seconds and 0 < result.seconds


def test_seconds_are_the_median_of_the_photos(photos, monkeypatch):
    clock = iter(np.cumsum([0, 1, 0, 1, 0, 9, 0, 1, 0, 1, 0, 1]).tolist())
    monkeypatch.setattr(taggers, "load", lambda name, device: tiny_tagger())
    monkeypatch.setattr(taggers.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(taggers, "score_pictures", lambda tagger, bank, pictures: np.zeros((1, len(bank))))
    assert taggers.run_model("ram-lite", photos, quiet).seconds == 1


def test_the_linear_probe_learns_the_part_choice_only(labelled, monkeypatch):
    looked = []

    def encode(picture):
        looked.append(picture.getpixel((0, 0))[0])
        return torch.tensor([looked[-1] / 255, 1.0])

    monkeypatch.setattr(baseline_loading, "FrozenBackbone", lambda weights: SimpleNamespace(encode=encode))
    found = taggers.compare(["linear-probe"], parts=("all", "held-out"))
    choice = [int(path.stem) for path in taggers.load_labelled("choice").benchmark.pictures]
    held_out = [int(path.stem) for path in taggers.load_labelled("held-out").benchmark.pictures]
    assert looked[: len(choice)] == choice and looked[len(choice) :] == held_out
    assert list(found.rows) == ["linear-probe, held-out"]
    assert found.rows["linear-probe, held-out"]["mAP"] == 1.0
    assert "taught on the part choice" in found.not_run["linear-probe, all"]
    assert found.notes == {"linear-probe": f"taught on the {len(choice)} photos of the part choice"}


class ByLength:
    """A baseline whose scores tell how many sentences a tag has."""

    name, probabilities = "clip", True

    def __init__(self, request):
        self.tags = tuple(request.sentences)
        self._scores = np.array([min(len(request.sentences[tag]), 10) / 10 for tag in self.tags])

    def score(self, picture):
        return self._scores


def test_each_kind_of_prompts_is_measured_in_one_run(labelled, monkeypatch):
    monkeypatch.setattr(taggers, "load_baseline", lambda name, request: ByLength(request))
    prompts = {kind: taggers.prompts_of(TAGS, kind) for kind in ("name", "ensemble")}
    prompts["descriptions"] = {tag: ("a", "b") for tag in TAGS}
    found = taggers.compare(["clip", "classifier"], prompts=prompts, parts=("all", "held-out"))
    assert found.methods == ("clip, name", "clip, ensemble", "clip, descriptions", "classifier")
    calibration = [found.rows[f"{method}, all"]["calibration_error"] for method in found.methods]
    assert len(set(calibration)) == 3 and calibration[0] == calibration[3]


def test_descriptions_are_those_of_a_file_or_of_the_model(tmp_path, monkeypatch):
    file = tmp_path / "said.json"
    file.write_text('[{"dog": ["it barks"]}]')
    given = taggers.sentences_of(TAGS, "descriptions", file)
    assert given["dog"] == ("it barks",) and given["cat"] == ("a photo of a cat.",)
    monkeypatch.setattr(taggers, "load", lambda name, device: tiny_tagger())
    own = taggers.sentences_of(TAGS, "descriptions")
    assert own["dog"][1] == "an animal that barks" and len(own["wolf"]) > 1


def test_parts_are_those_of_one_run_and_a_stopped_run_goes_on(labelled, tmp_path, monkeypatch):
    runs, file = [], tmp_path / "taggers.json"

    def run(name, photos, progress):
        runs.append(name)
        if len(runs) == 2:
            raise KeyboardInterrupt
        return Result(name, photos.benchmark.targets * 0.9, 0.5, note="perfect")

    monkeypatch.setattr(taggers, "run_model", run)
    keep = lambda found: write_comparison(found, file, "the command", "about")  # noqa: E731
    start = {"parts": ("all", "held-out"), "keep": keep}
    with pytest.raises(KeyboardInterrupt):
        taggers.compare(["ram-lite", "tag2text-lite"], **start)
    assert read_comparison(file).methods == ("ram-lite",)
    found = taggers.compare(["ram-lite", "tag2text-lite"], before=file, **start)
    assert runs == ["ram-lite", "tag2text-lite", "tag2text-lite"]
    stored = read_comparison(file)
    assert stored.methods == found.methods == ("ram-lite", "tag2text-lite")
    assert stored.parts["all"]["photos"] == 6 > stored.parts["held-out"]["photos"]
    assert stored.rows["ram-lite, held-out"]["recall"] == 1.0 and stored.date and stored.versions["torch"]
    assert {"processor", "cores", "threads"} <= set(stored.machine)
    with pytest.raises(InputError, match=r"another run \(parts differ\)"):
        taggers.compare(["ram-lite"], before=file, parts=("all", "held-out"), count=5)


def test_a_trial_takes_photos_spread_over_all(photos):
    assert [path.stem for path in spread_photos(photos, 3).benchmark.pictures] == ["0", "60", "250"]
    assert spread_photos(photos, 9) is spread_photos(photos, None) is photos
    with pytest.raises(InputError, match="none of the photos of grey"):
        take_photos(photos, [])


def test_what_cannot_run_is_in_the_document_with_its_reason(labelled, tmp_path, monkeypatch):
    def refuse(name, request):
        raise MissingPackageError(f"the weights of {name} are not here.")

    monkeypatch.setattr(taggers, "load_baseline", refuse)
    monkeypatch.setattr(taggers, "run_model", lambda name, photos, progress: Result(name, photos.hard * 0.2, 0.5))
    found = taggers.compare(["ram-lite", "clip"], parts=("held-out",))
    table = taggers_table.as_markdown(found)
    assert "- clip: not run: the weights of clip are not here." in table and "| ram-lite | 100.0 |" not in table
    document = f"before\n{taggers_table.BEGIN}\nold\n{taggers_table.END}\nafter\n"
    changed = taggers_table.with_table(document, table)
    assert "old" not in changed and changed.startswith("before\n") and changed.endswith("after\n")
    assert taggers_table.with_table(changed, table) == changed
    with pytest.raises(InputError, match="needs one line"):
        taggers_table.with_table("no markers", table)


def test_the_document_is_what_the_result_file_gives():
    if not (RESULTS / "taggers.json").is_file():
        pytest.skip("benchmarks/results/taggers.json is not there: python -m benchmarks.taggers --output ...")
    found = read_comparison(RESULTS / "taggers.json")
    document = taggers_table.DOCUMENT.read_text(encoding="utf-8")
    same = taggers_table.with_table(document, taggers_table.as_markdown(found))
    assert document == same, "renew it: python -m benchmarks.taggers_table"
    assert set(found.parts) == {"all", "held-out"} and found.parts["all"]["photos"] >= 300
