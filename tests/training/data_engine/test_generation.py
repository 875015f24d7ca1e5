"""The data engine: a model adds what it sees to triplets and strikes out what it does not."""

import json

import pytest
import torch

from ram.errors import ImageError
from ram.text.vocabulary import TagVocabulary
from ram.training.data_engine.generation import DataEngine, tag_counts, with_captions
from tests.tiny import tiny_tagger

LABELS = TagVocabulary.of(["rainbow", "pine tree", "cat", "dog"])
SEEN = {"a.png": {"dog": 0.9, "cat": 0.4, "pine tree": 0.01}, "b.png": {"dog": 0.3, "cat": 0.6, "pine tree": 0.6}}


@pytest.fixture
def tagger(monkeypatch):
    """Sees exactly this; thresholds are 0.5 a tag, and of rainbows it knows nothing."""
    tagger = tiny_tagger()

    def look_through(paths):
        return [SEEN.get(path.name) or ImageError(f"there is no picture {path.name}") for path in paths]

    def score(features, bank):
        from ram.prediction import Prediction

        tags = bank.vocabulary.tags
        weights = torch.zeros(len(tags), bank.mask.shape[1]).numpy()
        probabilities = torch.tensor([features[tag] for tag in tags]).numpy()
        return Prediction(bank.vocabulary, bank.sentences, probabilities, weights)

    monkeypatch.setattr(tagger, "look_through", look_through)
    monkeypatch.setattr(tagger, "score", score)
    return tagger


def triplets():
    return [
        {"image_path": "a.png", "caption": ["x"], "union_label_id": [0, 1], "parse_label_id": [[1], [0, 1]], "more": 7},
        {"image_path": "gone.png", "union_label_id": [2]},
        {"image_path": "b.png", "union_label_id": [3]},
    ]


def annotate(tmp_path, tagger, **options):
    engine = DataEngine(tagger, LABELS, **options)
    return list(engine.annotate(triplets(), tmp_path)), engine.report


def test_only_tags_over_their_thresholds_are_added(tmp_path, tagger):
    (a, gone, b), report = annotate(tmp_path, tagger)
    assert a == {**triplets()[0], "union_label_id": [0, 1, 3]} and b["union_label_id"] == [1, 2, 3]
    assert gone == triplets()[1] and "gone.png" in report.unreadable[0]
    assert (report.pictures, report.generated, report.cleaned) == (2, 3, 0)


def test_one_threshold_can_be_given_for_all(tmp_path, tagger):
    (a, _, b), _ = annotate(tmp_path, tagger, threshold=0.35)
    assert a["union_label_id"] == [0, 1, 2, 3] and b["union_label_id"] == [1, 2, 3]


def test_rejected_tags_are_removed_but_not_unknown_ones(tmp_path, tagger):
    (a, _, b), report = annotate(tmp_path, tagger, clean_below=0.05)
    assert a["union_label_id"] == [0, 3] and a["parse_label_id"] == [[], [0]] and b["union_label_id"] == [1, 2, 3]
    assert report.cleaned == 1


def test_excluded_tags_never_join_but_stay_where_they_were(tmp_path, tagger):
    (a, _, b), _ = annotate(tmp_path, tagger, exclude=["trees", "dog"])
    assert a["union_label_id"] == [0, 1] and b["union_label_id"] == [2, 3]


def test_contradicting_thresholds_and_foreign_labels_are_refused(tagger):
    with pytest.raises(ValueError, match="under 0.5 cannot be removed where 0.4 is enough"):
        DataEngine(tagger, LABELS, threshold=0.4, clean_below=0.5)
    with pytest.raises(ValueError, match="tiny holds none of the 1 tags"):
        DataEngine(tagger, TagVocabulary.of(["rainbow"]))


def test_tags_are_counted_before_and_after(tmp_path, tagger):
    changed, report = annotate(tmp_path, tagger)
    assert (report.before, report.after) == (4, 7)
    assert tag_counts(triplets(), changed, LABELS) == [
        {"tag": "cat", "before": 1, "after": 2},
        {"tag": "dog", "before": 1, "after": 2},
        {"tag": "pine tree", "before": 1, "after": 2},
        {"tag": "rainbow", "before": 1, "after": 1},
    ]


def test_a_generated_caption_joins_with_its_tags():
    a, gone, b = with_captions(triplets(), ["a dog", None, "a cat"], [{3}, set(), {2, 3}])
    assert a == {**triplets()[0], "caption": ["x", "a dog"], "union_label_id": [0, 1, 3],
                 "parse_label_id": [[1], [0, 1], [3]]}  # fmt: skip
    assert gone == triplets()[1]
    assert (b["caption"], b["union_label_id"], b["parse_label_id"]) == (["a cat"], [2, 3], [[2, 3]])


def test_a_caption_that_is_there_already_is_not_added():
    (same,) = with_captions(triplets()[:1], ["x"], [{3}])
    assert same == triplets()[0]


@pytest.fixture
def ended(tmp_path, monkeypatch, tagger, ended):
    """Run a command in a folder with triplets, a label system and the tagger above."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ram.tagger_loading.load", lambda *args: tagger)
    (tmp_path / "labels.txt").write_text("\n".join(LABELS.tags))
    (tmp_path / "in.json").write_text(json.dumps(triplets()))
    return ended


def test_the_command_writes_what_the_engine_says(ended, tmp_path):
    (tmp_path / "never.txt").write_text("dog\n")
    options = ("--labels", "labels.txt", "--clean-below", "0.05", "--exclude", "never.txt")
    code, out, err = ended("generate", "in.json", "--output", "out.json", *options)
    assert (code, out) == (0, "2 pictures, 2 tags added, 1 removed, 4 before and 5 after: out.json\n")
    assert "1 pictures are unchanged, such as: " in err and err.count("\n") == 1
    written = json.loads((tmp_path / "out.json").read_text())
    assert [entry["union_label_id"] for entry in written] == [[0], [2], [1, 2, 3]]


def test_the_command_adds_captions_and_counts(ended, tmp_path, monkeypatch, tagger):
    pytest.importorskip("spacy")
    said = {"a.png": "a dog beside a cat", "b.png": "a rainbow"}
    monkeypatch.setattr(
        tagger,
        "caption_through",
        lambda paths, beams: [
            type("Said", (), {"text": said[p.name]}) if p.name in said else ImageError("gone") for p in paths
        ],
    )
    options = ("--labels", "labels.txt", "--captioner", "any", "--counts", "counts.csv", "--json")
    code, out, err = ended("generate", "in.json", "--output", "out.json", *options)
    report = json.loads(out)
    assert (code, report["captions"], report["before"], report["after"]) == (0, 2, 4, 9), err
    a, _, b = json.loads((tmp_path / "out.json").read_text())
    assert a["caption"] == ["x", "a dog beside a cat"] and a["union_label_id"] == [0, 1, 2, 3]
    assert b["parse_label_id"] == [[0]]
    assert (tmp_path / "counts.csv").read_text().splitlines()[:2] == ["tag,before,after", "cat,1,3"]


def test_the_command_reports_in_json(ended):
    code, out, _ = ended("generate", "in.json", "--output", "out.json", "--labels", "labels.txt", "--json")
    report = json.loads(out)
    assert code == 0 and report["generated"] == 3 and report["model"] == "tiny" and len(report["unreadable"]) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "in.json is not a list of triplets"),
        ("[", "in.json is not JSON"),
        ('[{"image_path": 3, "union_label_id": []}]', "entry 1 of in.json is not"),
        ('[{"image_path": "a.png", "union_label_id": [4]}]', "with ids of the 4 tags"),
        ('[{"image_path": "a.png", "union_label_id": [true]}]', "entry 1 of in.json is not"),
        ('[{"image_path": "a.png", "union_label_id": [1], "parse_label_id": 3}]', "entry 1 of in.json is not"),
        ('[{"image_path": "z.png", "union_label_id": [1]}]', "none of 1 pictures can be read"),
    ],
)
def test_triplets_of_another_form_are_one_line(ended, tmp_path, content, said):
    (tmp_path / "in.json").write_text(content)
    code, out, err = ended("generate", "in.json", "--output", "out.json", "--labels", "labels.txt")
    assert (code, out, err.count("\n")) == (2, "", 1) and said in err
    assert not (tmp_path / "out.json").exists()
