"""Training learns what it is told to, stops where it must, and leaves a model that tags."""

import dataclasses
import json
import re

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import ram
from ram.evaluation.metrics import mean_average_precision
from ram.models.build import build_model
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions
from ram.training.data.training_set import label_system
from ram.training.loop import NonFiniteLoss, train
from ram.training.recipe import GeneratedRecipe, LossRecipe
from ram.training.schedule import learning_rate
from tests.tiny import HashTextEncoder
from tests.toy_run import (
    COLOURS,
    curve,
    draw,
    make_data,
    toy_model,
    toy_recipe,
    use_hash_text_encoder,
    use_sure_classifier,
)

pytestmark = pytest.mark.slow

BACKBONE = "model/image_encoder.backbone."


@pytest.fixture
def data(tmp_path, monkeypatch):
    use_hash_text_encoder(monkeypatch)
    return make_data(tmp_path / "data")


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """The output of one run that is long enough to learn, in bfloat16 as recipes have it."""
    with pytest.MonkeyPatch.context() as patch:
        use_hash_text_encoder(patch)
        folder = tmp_path_factory.mktemp("learnt")
        data = make_data(folder / "data", train=96, dev=48)
        recipe = toy_recipe(epochs=14, batch=8, learning_rate=1e-2, precision="bfloat16", tags_per_step=4)
        train(recipe, data, folder / "run")
    return folder


@pytest.fixture(scope="module", params=[True, False], ids=["frozen", "free"])
def short(request, tmp_path_factory):
    """The recipe and the folder of a run of one epoch, with a frozen and with a free backbone."""
    with pytest.MonkeyPatch.context() as patch:
        use_hash_text_encoder(patch)
        folder = tmp_path_factory.mktemp("short")
        recipe = toy_recipe(freeze_backbone=request.param, epochs=1, log_every=3)
        train(recipe, make_data(folder / "data"), folder / "run")
    return recipe, folder


def initial(recipe):
    """The model as a run begins with it."""
    torch.manual_seed(recipe.schedule.seed)
    return build_model(recipe.model)


def pairs(tags):
    return [(left, right) for left in tags for right in tags if left < right]


def test_losses_fall_and_dev_mAP_is_far_above_chance(learnt):
    first, *_, last = curve(learnt / "run")
    assert [record["epoch"] for record in curve(learnt / "run")] == list(range(1, 15))
    assert last["tagging"] < 0.5 * first["tagging"] and last["contrastive"] < 0.6 * first["contrastive"]
    assert last["alignment"] < 0.8 * first["alignment"]
    chance = 2 / len(COLOURS)  # two tags a picture
    assert last["dev_mAP"] > chance + 0.5


def test_the_saved_model_has_the_dev_mAP_of_the_curve(learnt):
    tagger = ram.load(learnt / "run/model")
    entries = json.loads((learnt / "data/dev.json").read_text())
    looks = [tagger.look(learnt / "data/pictures" / entry["image_path"]) for entry in entries]
    scores = np.stack([tagger.model.score(look, tagger.bank.embedded)[0].numpy() for look in looks])
    targets = np.array([[tag in entry["union_label_id"] for tag in range(len(COLOURS))] for entry in entries])
    assert mean_average_precision(scores, targets) == pytest.approx(curve(learnt / "run")[-1]["dev_mAP"], abs=0.02)


def test_the_folder_that_comes_out_loads_and_tags_new_pictures(learnt):
    tagger = ram.load(learnt / "run/model")
    right = [{s.tag for s in tagger.tag(draw(*pair, seed=99)).top(2)} == set(pair) for pair in pairs(COLOURS)]
    assert sum(right) >= 12 and len(right) == 15
    assert {len(score.descriptions) for score in tagger.tag(draw("red", "blue")).top(6)} == {3}


def test_thresholds_are_calibrated_on_the_held_out_pictures(learnt):
    tagger = ram.load(learnt / "run/model")
    thresholds = tagger.bank.vocabulary.thresholds
    assert set(thresholds) != {0.5} and all(abs(threshold - 0.5) < 0.1 for threshold in thresholds)
    shown = [set(tagger.tag(draw(*pair, seed=7)).tags) for pair in pairs(COLOURS)]
    hits = sum(len(tags & set(pair)) for tags, pair in zip(shown, pairs(COLOURS), strict=True))
    assert 2 * hits / (sum(map(len, shown)) + 2 * len(shown)) > 0.85  # F1


def test_a_NaN_loss_stops_the_run_with_step_and_files(data, tmp_path, monkeypatch):
    culprit = json.loads((data / "train.json").read_text())[5]

    class Broken(HashTextEncoder):
        """Fails on the captions of one picture."""

        def encode(self, sentences):
            broken = torch.tensor([[sentence in culprit["caption"]] for sentence in sentences])
            return super().encode(sentences).masked_fill(broken, torch.nan)

    monkeypatch.setattr("ram.training.data.training_set.build_text_encoder", lambda name: Broken())
    steps = []
    model = type(toy_model())(**{**vars(toy_model()), "standardize_text": False})
    with pytest.raises(NonFiniteLoss) as raised:
        train(toy_recipe(model), data, tmp_path / "run", progress=lambda what, done, total: steps.append(what))
    said = str(raised.value)
    done = sum(what.startswith("epoch") for what in steps)
    assert f"loss is nan in epoch 1, step {done + 1} " in said and "'contrastive': nan" in said
    pictures = re.findall(r"train\d+\.png", said)
    assert culprit["image_path"] in pictures and len(pictures) == 6
    assert not (tmp_path / "run/state.safetensors").exists() and not (tmp_path / "run/model").exists()


def test_the_pooled_tokens_come_to_what_the_teacher_says(data, tmp_path):
    recipe = toy_recipe(objectives={"distillation": 1.0}, teacher="captions", epochs=12, learning_rate=1e-2)
    train(recipe, data, tmp_path / "run")
    first, *_, last = curve(tmp_path / "run")
    assert last["distillation"] < 0.6 * first["distillation"]


def test_what_is_generated_is_learnt_through_the_decoder(data, tmp_path, monkeypatch):
    use_sure_classifier(monkeypatch, [504])
    best = []
    for threshold in (0.3, 1.0):
        parts = {"objectives": {"tagging": 1.0}, "pretrained": True, "generated": GeneratedRecipe(threshold)}
        recipe = toy_recipe(**parts, epochs=8, learning_rate=1e-2)
        tagger = ram.load(train(recipe, data, tmp_path / str(threshold)))
        bank = TagEmbeddingBank.build(TagDescriptions({"coffee mug": ["a photo of a coffee mug."]}), HashTextEncoder())
        scores = tagger.score(tagger.look(draw("red", "blue")), tagger.bank.join(bank))
        best.append(scores.top(1)[0].tag)
        assert tagger.bank.vocabulary.tags == tuple(COLOURS)
    assert best[0] == "coffee mug" and best[1] in COLOURS


def test_labels_are_corrected_from_the_second_epoch_on(data, tmp_path, monkeypatch):
    told = []

    def loss(logits, targets, correct):
        told.append(correct)
        return logits.sum()

    monkeypatch.setattr("ram.training.objectives.splc_loss", loss)
    recipe = dataclasses.replace(toy_recipe(objectives={"tagging": 1.0}), losses=LossRecipe("splc"))
    train(recipe, data, tmp_path / "run")
    steps = len(told) // 3
    assert told == [False] * steps + [True] * 2 * steps and steps > 0


def test_only_a_free_backbone_changes_without_its_statistics(short):
    recipe, folder = short
    state = load_file(folder / "run/state.safetensors")
    before = initial(recipe).image_encoder.backbone.state_dict()
    changed = [name for name, tensor in before.items() if not torch.equal(tensor, state[BACKBONE + name])]
    statistics = [name for name in before if "running" in name or "batches" in name]
    assert changed == ([] if recipe.freeze_backbone else [name for name in before if name not in statistics])
    assert statistics
    averaged = [name for name in state if name.startswith("average/image_encoder.backbone.")]
    assert (averaged == []) == recipe.freeze_backbone


def test_everything_but_a_frozen_backbone_is_trained(short):
    recipe, folder = short
    state = load_file(folder / "run/state.safetensors")
    model = initial(recipe)
    still = [n for n, p in model.named_parameters() if torch.equal(p, state[f"model/{n}"]) and "backbone" not in n]
    # adding the same to every key of an image changes no attention
    assert [name for name in still if not name.endswith("key.bias")] == []


def test_the_saved_model_is_the_running_average(short):
    _, folder = short
    state, saved = (load_file(folder / "run" / file) for file in ("state.safetensors", "model/model.safetensors"))
    for name in ("queries.project.weight", "decoder.blocks.0.expand.bias", "head.weight"):
        assert torch.equal(saved[name], state[f"average/{name}"].to(saved[name].dtype))
        assert not torch.equal(saved[name], state[f"model/{name}"].to(saved[name].dtype))
    assert saved["head.weight"].dtype == torch.float16 and saved["head.bias"].dtype == torch.float32


@pytest.mark.parametrize("short", [True], ids=["frozen"], indirect=True)
def test_patches_and_texts_are_standardized_by_their_statistics(short):
    recipe, folder = short
    saved = load_file(folder / "run/model/model.safetensors")
    patches = np.load(next((folder / "run").glob("patches-*.npy")))[0].astype(np.float64).reshape(-1, 256)
    sentences = [text for entry in json.loads((folder / "data/train.json").read_text()) for text in entry["caption"]]
    sentences += [text for described in label_system(recipe.data, folder / "data")[1].values() for text in described]
    texts = torch.stack([HashTextEncoder.vector(sentence) for sentence in sentences])
    for part, values in (("image_encoder", torch.from_numpy(patches)), ("queries", texts)):
        torch.testing.assert_close(saved[f"{part}.standardize.mean"], values.mean(0).float(), atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(saved[f"{part}.standardize.std"], values.std(0).float(), atol=1e-3, rtol=1e-3)


def test_steps_are_clipped_scheduled_and_decay_matrices_alone(data, tmp_path, monkeypatch):
    steps = []

    class Recorded(torch.optim.AdamW):
        """Notes what it is asked to do."""

        def step(self, closure=None):
            gradients = [p.grad.norm() for g in self.param_groups for p in g["params"] if p.grad is not None]
            decays = {(p.ndim >= 2, g["weight_decay"]) for g in self.param_groups for p in g["params"]}
            steps.append((torch.stack(gradients).norm().item(), {g["lr"] for g in self.param_groups}, decays))
            return super().step(closure)

    monkeypatch.setattr(torch.optim, "AdamW", Recorded)
    recipe = toy_recipe(epochs=3, clip=0.01, weight_decay=0.2)
    train(recipe, data, tmp_path / "run")
    assert len(steps) == 3 * 4  # of 24 pictures in batches of 6
    for number, (norm, rates, decays) in enumerate(steps):
        assert norm == pytest.approx(0.01, rel=1e-3)
        assert rates == {learning_rate(number, 12, recipe.schedule)}
        assert decays == {(True, 0.2), (False, 0.0)}


def test_without_a_dev_set_thresholds_stay_at_one_half(data, tmp_path):
    recipe = toy_recipe(epochs=1)
    recipe = type(recipe)(**{**vars(recipe), "data": type(recipe.data)(**{**vars(recipe.data), "dev": ()})})
    folder = train(recipe, data, tmp_path / "run")
    assert set(ram.load(folder).bank.vocabulary.thresholds) == {0.5}
    assert "dev_mAP" not in curve(tmp_path / "run")[0]


def test_fewer_pictures_than_a_batch_are_one_step(data, tmp_path):
    steps = []
    train(toy_recipe(epochs=2, batch=100), data, tmp_path / "run", progress=lambda *told: steps.append(told))
    assert [told for told in steps if told[0].startswith("epoch")] == [("epoch 1 of 2", 1, 1), ("epoch 2 of 2", 1, 1)]


@pytest.mark.parametrize(
    ("precision", "here", "warned"), [("bfloat16", False, 1), ("bfloat16", True, 0), ("float32", False, 0)]
)
def test_slow_bfloat16_is_told(precision, here, warned, data, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("ram.training.loop.has_bfloat16", lambda: here)
    train(toy_recipe(epochs=1, precision=precision), data, tmp_path / "run")
    assert sum("schedule.precision=float32" in record.message for record in caplog.records) == warned


def test_half_floats_need_a_gpu(data, tmp_path):
    with pytest.raises(ValueError, match="schedule.precision is 'float16', which needs a GPU: take 'bfloat16'"):
        train(toy_recipe(precision="float16"), data, tmp_path / "run")


def test_a_line_is_logged_every_few_steps(short):
    recipe, folder = short
    (line,) = curve(folder / "run", steps=True)
    assert (line["step"], line["epoch"]) == (3, 1)  # of 4 steps
    assert line["learning_rate"] == pytest.approx(learning_rate(2, 4, recipe.schedule), rel=1e-5)
    assert min(line[name] for name in ("tagging", "alignment", "contrastive")) > 0
    assert line["gradient_norm"] > 0 and line["pictures_per_second"] > 0
