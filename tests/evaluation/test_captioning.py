"""Caption metrics against numbers computed by hand and the package called directly; the report of ``ram evaluate``."""

import json
import math
import shutil

import numpy as np
import pytest
from PIL import Image

from ram.errors import ImageError, InputError, MissingPackageError
from ram.evaluation import caption_metrics, java_metrics
from ram.evaluation.caption_metrics import TOKENIZERS, check_metrics, cider, score_captions, tokenize
from ram.evaluation.captioning import evaluate_captions
from ram.evaluation.retrieval import CaptionedPictures
from tests.captioners import let_caption
from tests.tiny import tiny_tagger

pytest.importorskip("pycocoevalcap", reason="needs the extra ram[captions]")

needs_java = pytest.mark.skipif(java_metrics.find_java() is None, reason="needs Java")
CAPTIONS = ("a dog runs on the grass", "two men play football", "a red car")
REFERENCES = (
    ("A brown dog runs on green grass .", "the dog's running, outside"),
    ("Two men are playing football .", "players on a field"),
    ("A red sports-car !", "a (red) car drives by"),
)


def words(captions, references):
    return score_captions(captions, references, "words")


def test_bleu_of_a_short_caption_is_its_brevity_penalty():
    scores = words(["a b c d e", "k l m n"], [["a b c d e f g"], ["k l m n o"]])
    penalty = math.exp(1 - 12 / 9)  # all n-grams are right; 9 words against 12
    assert scores.bleu == pytest.approx((penalty,) * 4, abs=1e-6)


def test_bleu_counts_no_word_more_often_than_a_reference_does():
    (scores,) = [words(["the the the cat"], [["the cat sat on the mat", "a cat"]])]
    first = 3 / 4  # "the" counts twice, "cat" once; the closest reference in length has 2 words: no penalty
    second = 1 / 3  # "the cat" of three pairs
    assert scores.bleu[0] == pytest.approx(first, abs=1e-6)
    assert scores.bleu[1] == pytest.approx(math.sqrt(first * second), abs=1e-6)


def test_rouge_is_the_f_measure_of_the_longest_common_subsequence():
    precision, recall, beta = 2 / 3, 2 / 4, 1.2  # "a dog" of "a dog runs" and "a dog sits here"
    expected = (1 + beta**2) * precision * recall / (recall + beta**2 * precision)
    assert words(["a dog runs"], [["a dog sits here"]]).rouge == pytest.approx(expected)


def test_cider_of_identical_captions_is_10():
    texts = ["a dog runs fast", "two men play football", "the red car stops here"]
    assert words(texts, [[text] for text in texts]).cider == pytest.approx(10)


def test_cider_weighs_words_by_rarity_and_by_length():
    # pairs of words differ and there are no triples: only single words count, of which one in two is shared
    assert cider(["w x", "p q"], [["w y"], ["p r"]]) == pytest.approx(10 / 4 * 1 / 2)
    # "a" is in the references of both images, so it weighs nothing: "w" is all that counts
    assert cider(["a w", "a q"], [["a w"], ["a r"]]) == pytest.approx((10 / 4 * 2 + 0) / 2)
    # one pair more than the reference costs exp(-1 / (2 * 6 ** 2))
    longer = cider(["w x z", "p"], [["w x"], ["p"]])
    single, pair = 2 / math.sqrt(3 * 2), 1 / math.sqrt(2)
    expected = 10 / 4 * (single + pair) * math.exp(-1 / 72), 10 / 4
    assert longer == pytest.approx(sum(expected) / 2)


def test_the_plain_tokenizer_keeps_words_and_says_so():
    scores = words(["A man's T-shirt, 2 dogs & a café."], [["a man's t-shirt 2 dogs a café"]])
    assert scores.bleu == pytest.approx((1,) * 4, abs=1e-6)
    assert scores.tokenizer == TOKENIZERS["words"] and "no Java" in scores.tokenizer
    assert (scores.meteor, scores.spice) == (None, None)


def test_without_java_the_plain_tokenizer_is_used(monkeypatch, caplog):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    scores = score_captions(CAPTIONS, REFERENCES)
    assert scores == words(CAPTIONS, REFERENCES) and "METEOR and SPICE are left out: they need Java" in caplog.text
    with pytest.raises(InputError, match="the tokenizer ptb needs Java"):
        check_metrics("ptb")


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(caption_metrics, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"install the extra ram\[captions\]"):
        score_captions(CAPTIONS, REFERENCES)


@pytest.mark.parametrize(("captions", "references"), [((), ()), (("a",), ()), (("a",), ((),))])
def test_captions_without_references_are_refused(captions, references):
    with pytest.raises(InputError, match="at least one reference of each"):
        words(captions, references)


def test_an_unknown_tokenizer_is_refused():
    with pytest.raises(InputError, match="choose ptb or words"):
        score_captions(CAPTIONS, REFERENCES, "moses")


def by_package():
    """Captions and references as the package tokenizes them."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    given = {i: [{"caption": text}] for i, text in enumerate(CAPTIONS)}
    expected = {i: [{"caption": text} for text in texts] for i, texts in enumerate(REFERENCES)}
    try:
        return PTBTokenizer().tokenize(given), PTBTokenizer().tokenize(expected)
    except PermissionError:
        pytest.skip("the package writes into its own folder, which is read-only here")


@needs_java
@pytest.mark.slow
def test_scores_equal_the_package_called_directly(monkeypatch):
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    monkeypatch.setattr(caption_metrics, "meteor", lambda java, tokens, texts: 0.125)  # has a test of its own
    given, expected = by_package()
    assert tokenize(CAPTIONS, REFERENCES, "ptb") == ([given[i][0] for i in range(3)], [expected[i] for i in range(3)])
    found = score_captions(CAPTIONS, REFERENCES)
    assert found.bleu == pytest.approx(Bleu(4).compute_score(expected, given, verbose=0)[0])
    assert [found.rouge, found.cider] == pytest.approx(
        [m.compute_score(expected, given)[0] for m in (Rouge(), Cider())]
    )
    assert (found.tokenizer, found.meteor) == (TOKENIZERS["ptb"], 0.125)


@needs_java
@pytest.mark.slow
def test_meteor_equals_the_package_called_directly():
    from pycocoevalcap.meteor.meteor import Meteor

    given = dict(enumerate([text] for text in CAPTIONS))
    expected = {i: list(texts) for i, texts in enumerate(REFERENCES)}
    direct, _ = Meteor().compute_score(expected, given)
    assert 0 < direct < 1
    assert java_metrics.meteor(java_metrics.find_java(), CAPTIONS, REFERENCES) == pytest.approx(direct)


def program(tmp_path, text):
    """A stand-in for java."""
    file = tmp_path / "java"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


def test_a_java_that_fails_or_hangs_is_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"a Java program failed \(no memory\): check Java, or use --tokenizer words"):
        java_metrics.ptb_tokens(program(tmp_path, "echo no memory >&2; exit 3"), ["a"])
    with pytest.raises(InputError, match="returned 1 of 2 captions"):
        java_metrics.ptb_tokens(program(tmp_path, "echo a"), ["a", "b"])
    with pytest.raises(InputError, match="METEOR failed in Java"):
        java_metrics.meteor(program(tmp_path, "exit 3"), ["a"], [["b"]])
    with pytest.raises(InputError, match="Java cannot be started"):
        java_metrics.ptb_tokens(str(tmp_path / "absent"), ["a"])
    monkeypatch.setattr(java_metrics, "START_SECONDS", 0.1)
    monkeypatch.setattr(java_metrics, "SENTENCE_SECONDS", 0.0)
    hanging = program(tmp_path, "exec sleep 60")
    with pytest.raises(InputError, match="took over 0 s"):
        java_metrics.ptb_tokens(hanging, ["a"])
    with pytest.raises(InputError, match="METEOR failed in Java, or took over 0 s"):
        java_metrics.meteor(hanging, ["a"], [["b"]])


def test_spice_is_the_mean_of_what_java_writes(tmp_path):
    results = [{"scores": {"All": {"f": f}}} for f in (0.25, 0.75, None)]
    (tmp_path / "results.json").write_text(json.dumps(results))
    for_out = 'for word; do [ "$before" = -out ] && cp "$(dirname "$0")/results.json" "$word"; before=$word; done'
    assert java_metrics.spice(program(tmp_path, for_out), CAPTIONS, REFERENCES) == 0.5
    with pytest.raises(InputError, match="SPICE left no scores"):
        java_metrics.spice(program(tmp_path, "exit 0"), CAPTIONS, REFERENCES)


@pytest.fixture
def captioned(tmp_path):
    files = [tmp_path / f"{i}.png" for i in range(6)]
    for i, file in enumerate(files):
        Image.fromarray(np.random.default_rng(i).integers(0, 255, (30, 40, 3), np.uint8)).save(file)
    return CaptionedPictures("park", tuple(files), tuple((f"a dog of number {i}", "grass") for i in range(6)))


def test_every_image_is_captioned_and_scored(captioned, monkeypatch):
    sizes, tagger = let_caption(monkeypatch), tiny_tagger()
    report = evaluate_captions(tagger, captioned, beams=2, tokenizer="words")
    assert sizes == [4, 2]
    assert report.captions == tuple(tagger.caption(file, beams=2) for file in captioned.pictures)
    assert report.scores == words(report.captions, captioned.captions)
    assert report.to_dict()["seconds_per_photo"] == pytest.approx(report.seconds / 6, abs=1e-4)


def test_broken_images_are_all_named(captioned, monkeypatch):
    let_caption(monkeypatch)
    for file in captioned.pictures[1:3]:
        file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(ImageError, match="2 of 6 pictures cannot be used: 1.png .*; 2.png "):
        evaluate_captions(tiny_tagger(), captioned, tokenizer="words")


@pytest.fixture
def dataset(captioned, tmp_path, monkeypatch):
    """Arguments of `ram evaluate --captions` for two of the six pictures."""
    entries = [{"image": f"{i}.png", "captions": texts} for i, texts in enumerate(captioned.captions)]
    (tmp_path / "captions.json").write_text(json.dumps(entries))
    (tmp_path / "splits.json").write_text(json.dumps({"test": ["4.png", "1.png"]}))
    monkeypatch.setattr("ram.cli.evaluate.open_tagger", lambda args, model: tiny_tagger())
    return tmp_path / "captions.json", "--split", tmp_path / "splits.json", "test", "--captions"


def test_the_command_prints_all_scores_as_json(dataset, captioned, ended, monkeypatch):
    let_caption(monkeypatch)
    code, out, _ = ended("evaluate", *dataset, "--tokenizer", "words", "--beams", 2, "--json")
    report, tagger = json.loads(out), tiny_tagger()
    assert code == 0 and (report["pictures"], report["captions"], report["beams"]) == (2, 4, 2)
    chosen = [4, 1]
    captions = [tagger.caption(captioned.pictures[i], beams=2) for i in chosen]
    expected = words(captions, [captioned.captions[i] for i in chosen]).to_dict()
    assert {name: report[name] for name in expected} == expected
    assert list(expected) == "tokenizer BLEU1 BLEU2 BLEU3 BLEU4 METEOR ROUGE_L CIDEr SPICE".split()
    assert report["seconds_per_photo"] > 0 and report["model"] == "tiny" and report["dataset"] == "captions test"
    code, out, _ = ended("evaluate", *dataset, "--tokenizer", "words")
    assert code == 0 and "tiny with 3 beams" in out and "lower-case words" in out and "BLEU4" in out


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--open-set",), "--open-set does not go with --captions"),
        (("--by", "pooled"), "--by does not go with --captions"),
        (("--retrieval",), "not allowed with argument"),
        (("--beams", "x"), "must be a positive integer"),
    ],
)
def test_flags_of_other_measurements_are_refused(flags, sentence, dataset, ended):
    code, out, err = ended("evaluate", *dataset, *flags)
    assert (code, out, err.count("\n")) == (2, "", 1) and sentence in err


def test_a_model_without_a_captioner_is_refused(dataset, ended):
    code, out, err = ended("evaluate", *dataset, "--tokenizer", "words", "--json")
    assert (code, out) == (2, "")
    assert err == "ram evaluate: tiny writes no captions: choose a model with a captioner, such as tag2text-lite\n"
