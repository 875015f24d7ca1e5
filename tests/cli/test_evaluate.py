"""``ram evaluate`` on a tiny untrained model: what is measured, who describes, and what is refused."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from ram.checkpoints.model_folder import save_model
from ram.evaluation.baselines import baseline_loading
from ram.evaluation.metrics import average_precisions
from ram.evaluation.tag_banks import mean_bank
from ram.tagger_loading import load
from tests.chat_endpoint import honours_n
from tests.tiny import tiny_bank, tiny_config, tiny_model

pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture
def model(tmp_path):
    """A model folder; its tags are dog, cat and pine tree."""
    save_model(tmp_path / "model", tiny_config(), tiny_model(), tiny_bank().with_thresholds([0.0, 0.5, 1.0]))
    return tmp_path / "model"


@pytest.fixture
def photos(tmp_path):
    """A folder with twelve pictures."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 255, (12, 30, 40, 3), np.uint8)):
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def annotate(photos):
    """Write the tags of the pictures, in order; give the file."""

    def write(*tags):
        entries = [{"image": f"{i}.png", "tags": each} for i, each in enumerate(tags)]
        (photos / "park.json").write_text(json.dumps(entries))
        return photos / "park.json"

    return write


def test_evaluate_measures_what_the_tagger_says_of_each_picture(model, photos, annotate, ended):
    code, out, err = ended("evaluate", annotate(["dog"], ["cat", "Pine Tree"], ["dog"], []), "--model", model, "--json")
    report = json.loads(out)
    tagged = load(model).tag([photos / f"{i}.png" for i in range(4)])
    scores = [[prediction[tag].probability for tag in ("pine tree", "cat", "dog")] for prediction in tagged]
    expected = average_precisions(scores, [[0, 0, 1], [1, 1, 0], [0, 0, 1], [0, 0, 0]])
    assert (code, err) == (0, "") and report["mAP"] == report["mAP_predefined"] == pytest.approx(expected.mean())
    assert [entry["AP"] for entry in report["per_tag"]] == pytest.approx(expected)
    assert {entry["tag"]: entry["threshold"] for entry in report["per_tag"]} == {"Pine Tree": 1, "cat": 0.5, "dog": 0}
    assert (report["pictures"], report["predefined_tags"], report["described_tags"]) == (4, 3, 0)
    assert report["describer"] is None and report["mAP_described"] is None and report["seconds"] >= 0


def test_evaluate_refuses_unknown_tags_without_open_set(model, annotate, tmp_path, ended):
    file = annotate(["dog", "kite"], ["cat"], ["kite"], [])
    code, out, err = ended("evaluate", file, "--model", model)
    assert (code, out) == (2, "") and "1 of 3 tags" in err and "kite" in err and "--open-set" in err
    code, out, _ = ended("evaluate", file, "--model", model, "--open-set", "--csv", tmp_path / "per_tag.csv")
    assert code == 0 and "2 predefined, 1 described; sentences by lexicon" in out
    assert "mAP_predefined" in out and "mAP_described" in out
    with open(tmp_path / "per_tag.csv", newline="") as written:
        rows = list(csv.DictReader(written))
    assert [(row["tag"], row["predefined"]) for row in rows] == [("cat", "True"), ("dog", "True"), ("kite", "False")]
    assert list(rows[0]) == "tag AP precision recall F1 threshold positives predefined".split()


def test_a_tag_listed_twice_gets_two_equal_columns(model, photos, ended):
    folder = photos.parent / "benchmark"
    folder.mkdir()
    (folder / "b_taglist.txt").write_text("dog\ncat\ndog\n")
    (folder / "b_annots.txt").write_text("0,dog\n1,cat\n2,cat\n")
    _, out, _ = ended("evaluate", folder, "--images", photos, "--model", model, "--json")
    first, _, again = json.loads(out)["per_tag"]
    assert first == again


@pytest.mark.parametrize("describer", ["lexicon", "template", "openai"])
def test_any_describer_may_describe_the_open_set(describer, model, photos, annotate, ended, monkeypatch, serve):
    endpoint = serve(honours_n)
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
    file = annotate(["kite"], [], ["corgi"], ["dog"])
    flags = ("--model", model, "--open-set", "--describer", describer, "--json")
    code, out, _ = ended("evaluate", file, *flags)
    assert code == 0 and bool(endpoint.requests) == (describer == "openai")
    _, described, _ = ended("describe", "corgi", "kite", "--describer", describer, "--json")
    report = json.loads(out)
    assert (report["describer"], report["predefined_tags"], report["described_tags"]) == (describer, 1, 2)
    tagger = load(model)
    bank = tagger.embed({tag: texts for each in json.loads(described)["descriptions"] for tag, texts in each.items()})
    said = [tagger.score(tagger.look(photos / f"{i}.png"), bank) for i in range(4)]
    scores = [[prediction["corgi"].probability, prediction["kite"].probability] for prediction in said]
    expected = average_precisions(scores, [[0, 1], [0, 0], [1, 0], [0, 0]])
    assert report["mAP_described"] == pytest.approx(expected.mean())


def test_given_descriptions_score_the_tags_they_describe(model, photos, annotate, tmp_path, ended):
    sentences = {"Kite": ["it flies", "made of paper"], "dog": ["it barks"], "unused": ["nothing"]}
    written = tmp_path / "written.json"
    written.write_text(json.dumps([{tag: texts} for tag, texts in sentences.items()]))
    flags = ("--model", model, "--descriptions", written, "--json")
    _, out, _ = ended("evaluate", annotate(["kite"], ["dog"], ["kite", "dog"], []), *flags)
    report = json.loads(out)
    tagger = load(model)
    said = [tagger.score(tagger.look(photos / f"{i}.png"), tagger.embed(sentences)) for i in range(4)]
    scores = [[prediction["dog"].probability, prediction["Kite"].probability] for prediction in said]
    expected = average_precisions(scores, [[0, 1], [1, 0], [1, 1], [0, 0]])
    assert [entry["AP"] for entry in report["per_tag"]] == pytest.approx(expected)
    assert (report["describer"], report["predefined_tags"], report["described_tags"]) == ("written.json", 1, 1)
    code, _, err = ended("evaluate", annotate(["kite"], ["corgi"], [], []), *flags)
    assert code == 2 and '"corgi": --open-set describes them' in err
    written.write_text("[3]")
    code, out, err = ended("evaluate", annotate(["kite"], [], [], []), *flags)
    assert (code, out, err.count("\n")) == (2, "", 1) and "written.json holds no descriptions" in err


def test_the_ensemble_is_scored_by_means_of_descriptions(model, photos, annotate, ended):
    file = annotate(*[["dog"], ["pine tree"]] * 6)
    plain, ensemble = (
        [entry["AP"] for entry in json.loads(ended("evaluate", file, "--model", model, "--json", *flags)[1])["per_tag"]]
        for flags in ((), ("--ensemble",))
    )
    tagger = load(model)
    said = [tagger.score(tagger.look(photos / f"{i}.png"), mean_bank(tagger.bank)) for i in range(12)]
    scores = [[prediction["dog"].probability, prediction["pine tree"].probability] for prediction in said]
    assert ensemble == pytest.approx(average_precisions(scores, [[1, 0], [0, 1]] * 6))
    assert plain != ensemble


def test_broken_pictures_are_all_named_and_end_the_run(model, photos, annotate, tmp_path, ended):
    file = annotate(["dog"], ["cat"], ["dog"], ["cat"])
    for name in ("1.png", "3.png"):
        content = (photos / name).read_bytes()
        (photos / name).write_bytes(content[: len(content) // 2])
    code, out, err = ended("evaluate", file, "--model", model, "--csv", tmp_path / "per_tag.csv")
    assert (code, out, err.count("\n")) == (2, "", 1) and not (tmp_path / "per_tag.csv").exists()
    assert "2 of 4 pictures" in err and "1.png is broken" in err and "3.png is broken" in err


def test_a_baseline_is_measured_on_the_same_pictures(photos, annotate, ended, monkeypatch):
    class ByNumber:
        """Scores that grow from tag to tag."""

        name, probabilities = "by number", True

        def __init__(self, request):
            self.tags = tuple(request.sentences)
            self.sentences, self.weights = request.sentences, request.weights

        def score(self, picture):
            made.append(self)
            return np.linspace(0.1, 0.9, len(self.tags))

    made = []
    monkeypatch.setattr(baseline_loading, "load_baseline", lambda name, request: ByNumber(request))
    file = annotate(["dog"], ["cat"], ["dog", "heron"])
    code, out, _ = ended("evaluate", file, "--baseline", "clip", "--weights", "w.pt", "--prompts", "ensemble", "--json")
    report = json.loads(out)
    assert code == 0 and report["model"] == "by number" and report["describer"] == "prompts, ensemble"
    assert report["described_tags"] == 3 and report["predefined_tags"] == 0
    assert [tag["recall"] for tag in report["per_tag"]] == [0, 0, 1]  # cat 0.1, dog 0.5, heron 0.9
    assert made[0].weights == "w.pt" and made[0].sentences["dog"][0] == "a photo of a dog." and len(made) == 3
    assert len(made[0].sentences["dog"]) > 1


@pytest.mark.parametrize(
    "flags, message",
    [
        (("--baseline", "clop"), "there is no baseline 'clop': choose one of clip"),
        (("--baseline", "clip", "--open-set"), "--open-set does not go with --baseline"),
        (("--weights", "x"), "--weights goes with --baseline only"),
        (("--baseline", "linear-probe"), "give them with --train DATASET"),
        (("--baseline", "odise"), "ODISE is not installed"),
        (("--baseline", "vision-language"), "a vision-language model needs an endpoint"),
        (("--baseline", "clip", "--retrieval"), "--baseline does not go with --retrieval"),
    ],
)
def test_baselines_that_cannot_be_measured_get_a_sentence(flags, message, annotate, ended, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    code, out, err = ended("evaluate", annotate(["dog"]), *flags)
    assert code == 2 and message in err and not out
