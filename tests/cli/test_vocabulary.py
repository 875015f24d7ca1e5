"""Any vocabulary on the command line: lists described and gone on with, packs written and scored."""

import json
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from ram.checkpoints.model_folder import save_model
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions
from ram.text.tag_packs import load_pack, save_pack
from ram.text.vocabulary import TagVocabulary
from tests.chat_endpoint import honours_n, prompt_of, refusal
from tests.server import ROOT
from tests.tiny import DESCRIPTIONS, DIM, HashTextEncoder, tiny_bank, tiny_config, tiny_model

pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture
def model(tmp_path):
    """A model folder with calibrated thresholds."""
    bank = tiny_bank().with_thresholds((0.7, 0.2, 0.9))
    save_model(tmp_path / "model", tiny_config(), tiny_model(), bank)
    return tmp_path / "model"


@pytest.fixture
def photo(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def pets(tmp_path):
    """A pack with a tag that the model has too, spelled otherwise, and one that it has not."""
    descriptions = TagDescriptions({"Dog": ["a good boy"], "corgi": ["short legs", "a fox's face"]})
    bank = TagEmbeddingBank.build(descriptions, HashTextEncoder(), TagVocabulary(descriptions.tags, (0.6, 0.3)))
    save_pack(tmp_path / "pets.tagpack", bank, HashTextEncoder())
    return tmp_path / "pets.tagpack"


@pytest.fixture
def endpoint(serve, monkeypatch):
    server = serve(honours_n)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    return server


def scores(ended, photo, *arguments):
    """{tag: score} of the only picture."""
    code, out, err = ended("tag", photo, "--json", "--threshold", "0", *arguments)
    assert code == 0, err
    return {score["tag"]: score for score in json.loads(out)[0]["scores"]}


def costs(request, number):
    """Says what it took."""
    status, body = honours_n(request, number)
    return status, body | {"usage": {"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130}}


def asked_about(requests):
    return {prompt_of(request).split('"')[1] for request in requests}


def test_a_killed_run_resumes_without_paying_twice(endpoint, tmp_path, ended):
    (tmp_path / "tags.txt").write_text("corgi\nkite\nmeteor shower\nKite\n")
    reached = threading.Event()

    def stops_at_the_third(request, number):
        if "meteor" not in prompt_of(request):
            return honours_n(request, number)
        reached.set()
        endpoint.released.wait(60)
        return refusal(500, "stopped")

    endpoint.behave = stops_at_the_third
    command = ("describe", "--file", tmp_path / "tags.txt", "--describer", "openai", "-o", tmp_path / "out.json")
    run = subprocess.Popen([sys.executable, "-m", "ram.cli", *map(str, command)], cwd=ROOT, env={**os.environ})
    try:
        assert reached.wait(60)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert not (tmp_path / "out.json").exists() and asked_about(endpoint.requests) >= {"corgi", "kite"}
    endpoint.requests.clear()
    endpoint.behave = costs
    code, out, err = ended(*command)
    assert (code, out) == (0, "") and asked_about(endpoint.requests) == {"meteor shower"}
    document = json.loads((tmp_path / "out.json").read_text())
    assert [(tag, len(sentences)) for entry in document for tag, sentences in entry.items()] == [
        ("corgi", 51), ("kite", 51), ("meteor shower", 51),
    ]  # fmt: skip
    assert "2 of 3 tags are in the cache already" in err and "3 tags are described in" in err
    assert "this run cost 5 requests, 500 tokens in and 150 tokens out" in err


def test_a_list_stops_where_the_language_model_fails(endpoint, tmp_path, ended):
    (tmp_path / "tags.txt").write_text("corgi\nkite\n")
    endpoint.behave = lambda request, number: (
        honours_n(request, number) if "corgi" in prompt_of(request) else refusal(401, "no")
    )
    flags = ("--describer", "openai", "-o", tmp_path / "out.json")
    code, out, err = ended("describe", "--file", tmp_path / "tags.txt", *flags)
    assert (code, out) == (2, "") and not (tmp_path / "out.json").exists()
    assert "check OPENAI_API_KEY. 1 of 2 tags are described. Run the same command again to resume." in err


def test_an_exported_list_has_the_official_form_and_comes_back(tmp_path, ended):
    (tmp_path / "tags.txt").write_text("\ufeffcorgi\n\n  zzxqv \n")
    code, out, err = ended("describe", "--file", tmp_path / "tags.txt", "--json", "-o", tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    assert code == 0 and [list(entry) for entry in document] == [["corgi"], ["zzxqv"]]
    assert "1 of 2 tags are not in the lexicon and have templates only: zzxqv" in err
    printed = TagDescriptions.from_json(json.loads(out))
    assert printed.origin.describer == "lexicon" and "zzxqv" in printed.origin.note
    assert dict(TagDescriptions.load(tmp_path / "out.json")) == dict(printed)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ((), "give either categories or --file"),
        (("corgi", "--file", "tags.txt"), "give either categories or --file"),
        (("--file", "nowhere.txt"), "nowhere.txt cannot be read"),
        (("--file", "empty.txt"), "empty.txt contains no tag"),
        (("--file", "odd.txt"), "odd.txt: "),
        (("corgi", "-o", "out.txt"), "must end in .json"),
    ],
)
def test_a_list_that_cannot_be_described_is_one_sentence(arguments, sentence, tmp_path, monkeypatch, ended):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tags.txt").write_text("corgi\n")
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "odd.txt").write_text("corgi\n???\n")
    code, out, err = ended("describe", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1) and sentence in err


def test_packed_tags_are_scored_as_typed_ones_are(model, photo, tmp_path, ended):
    (tmp_path / "tags.txt").write_text("corgi\nmeteor shower\n")
    flags = ("--describer", "template", "--model", model)
    pack = tmp_path / "own.tagpack"
    code, out, err = ended("pack", tmp_path / "tags.txt", *flags, "-o", pack)
    assert (code, out) == (0, "") and err == f"2 tags with 16 descriptions are in {pack}\n"
    _, out, _ = ended("pack", tmp_path / "tags.txt", *flags, "-o", pack, "--json")
    assert json.loads(out) == {"file": str(pack), "tags": 2, "descriptions": 16, "bytes": pack.stat().st_size}
    packed = scores(ended, photo, "--model", model, "--pack", pack)
    typed = scores(ended, photo, *flags, "--tags", "corgi, meteor shower")
    assert packed.keys() == typed.keys() == {*DESCRIPTIONS, "corgi", "meteor shower"}
    for tag, score in typed.items():
        assert packed[tag]["probability"] == pytest.approx(score["probability"], abs=1e-3)


def thresholds(file):
    vocabulary = load_pack(file, "hash", DIM).vocabulary
    return dict(zip(vocabulary.tags, vocabulary.thresholds, strict=True))


def test_official_descriptions_are_packed_unchanged(model, tmp_path, ended):
    given = [{"Cat": ["it purrs", "1. whiskers\nand claws"]}, {"corgi": ["short legs"]}]
    (tmp_path / "descriptions.json").write_text(json.dumps(given))
    pack = tmp_path / "a.tagpack"
    assert ended("pack", tmp_path / "descriptions.json", "--model", model, "-o", pack)[0] == 0
    assert thresholds(pack) == {"Cat": 0.2, "corgi": 0.5}
    bank = load_pack(pack, "hash", DIM)
    assert bank.sentences == [("it purrs", "1. whiskers and claws"), ("short legs",)]
    wanted = HashTextEncoder.vector("1. whiskers\nand claws")
    assert bank.embedded.embeddings[0, 1].float().tolist() == pytest.approx(wanted.tolist(), abs=5e-4)


def test_thresholds_come_from_a_table_a_list_or_a_model_folder(model, tmp_path, ended):
    pack, flags = tmp_path / "a.tagpack", ("--model", model, "--describer", "template", "-o", tmp_path / "a.tagpack")
    (tmp_path / "tags.csv").write_text("tag,threshold,translation\ncat,0.61,猫\nkite,0.4,\n")
    assert ended("pack", tmp_path / "tags.csv", *flags)[0] == 0
    assert thresholds(pack) == {"cat": 0.61, "kite": 0.4}
    assert load_pack(pack, "hash", DIM).vocabulary.translations == ("猫", "")
    (tmp_path / "thresholds.txt").write_text("0.1\n0.2\n")
    assert ended("pack", tmp_path / "tags.csv", *flags, "--thresholds", tmp_path / "thresholds.txt")[0] == 0
    assert thresholds(pack) == {"cat": 0.1, "kite": 0.2}
    assert ended("pack", model, "-o", pack)[0] == 0
    assert thresholds(pack) == {"dog": 0.7, "cat": 0.2, "pine tree": 0.9}
    assert load_pack(pack, "hash", DIM).sentences == [tuple(s) for s in DESCRIPTIONS.values()]


def test_what_cannot_be_packed_is_said_before_anybody_is_asked(model, tmp_path, endpoint, ended):
    (tmp_path / "tags.txt").write_text("corgi\nkite\n")
    (tmp_path / "thresholds.txt").write_text("0.5\n")
    (tmp_path / "odd.json").write_text('[{"a  b": ["c"]}]')
    flags = ("--model", model, "--describer", "openai")
    for source, more, sentence in (
        ("tags.txt", ("-o", tmp_path / "a.zip"), "must end in .tagpack"),
        ("tags.txt", ("-o", tmp_path / "a.tagpack", "--thresholds", tmp_path / "thresholds.txt"), "1 thresholds"),
        ("odd.json", ("-o", tmp_path / "a.tagpack"), "rename it 'a b'"),
        ("photo.png", ("-o", tmp_path / "a.tagpack"), "'photo.png' cannot be packed"),
    ):
        code, out, err = ended("pack", tmp_path / source, *flags, *more)
        assert (code, out, err.count("\n")) == (2, "", 1) and sentence in err
    assert endpoint.requests == [] and not (tmp_path / "a.tagpack").exists()


def test_a_tag_of_a_pack_replaces_that_of_the_model(model, photo, pets, ended):
    code, out, err = ended("tag", photo, "--model", model, "--pack", pets, "--json")
    found = {score["tag"]: score for score in json.loads(out)[0]["scores"]}
    assert code == 0 and err == "already known, scored as in the pack: Dog\n"
    assert found.keys() == {"cat", "pine tree", "Dog", "corgi"}
    assert (found["Dog"]["threshold"], found["cat"]["threshold"]) == (0.6, 0.2)
    assert found["Dog"]["descriptions"] == [{"text": "a good boy", "weight": 1.0}]


def test_a_tag_that_equals_another_is_no_second_finding(model, photo, tmp_path, ended):
    same = {"hound": DESCRIPTIONS["dog"], "corgi": ["short legs"], "pembroke": ["short legs"]}
    save_pack(tmp_path / "same.tagpack", tiny_bank(same), HashTextEncoder())
    code, out, err = ended("tag", photo, "--model", model, "--pack", tmp_path / "same.tagpack", "--json")
    found = [score["tag"] for score in json.loads(out)[0]["scores"]]
    assert code == 0 and sorted(found) == ["cat", "corgi", "dog", "pine tree"]
    assert err == 'the text encoder reads "hound" as "dog", "pembroke" as "corgi": only the latter is scored\n'


def test_of_several_packs_the_later_one_counts(model, photo, pets, tmp_path, ended):
    save_pack(tmp_path / "b.tagpack", tiny_bank({"CORGI": ["later"], "kite": ["a toy"]}), HashTextEncoder())
    found = scores(ended, photo, "--model", model, "--pack", pets, "--pack", tmp_path / "b.tagpack", "--only")
    assert found.keys() == {"Dog", "CORGI", "kite"}
    assert found["CORGI"]["descriptions"][0]["text"] == "later"


def test_only_what_is_named_is_scored_and_no_score_changes(model, photo, pets, ended):
    whole = scores(ended, photo, "--model", model, "--pack", pets)
    for arguments, names in (
        (("--tags", "cat, Pine Tree", "--only"), {"cat", "pine tree"}),
        (("--pack", pets, "--only"), {"Dog", "corgi"}),
        (("--pack", pets, "--tags", "cat", "--only"), {"Dog", "corgi", "cat"}),
    ):
        found = scores(ended, photo, "--model", model, *arguments)
        assert found.keys() == names
        for tag in names:
            assert found[tag]["probability"] == pytest.approx(whole[tag]["probability"], abs=1e-5)
    code, out, err = ended("tag", photo, "--model", model, "--only")
    assert (code, out, err.count("\n")) == (2, "", 1) and "--only needs --tags or --pack" in err


def test_a_pack_that_does_not_fit_is_refused_in_one_sentence(model, photo, pets, ended):
    code, out, err = ended("tag", photo, "--model", "ram-plus-lite", "--pack", pets)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "'pets.tagpack' is for models that read 'hash', this one reads 'minilm-l6'" in err
    code, out, err = ended("tag", photo, "--model", model, "--pack", photo)
    assert (code, out, err.count("\n")) == (2, "", 1) and "'photo.png' is no usable tag pack" in err
