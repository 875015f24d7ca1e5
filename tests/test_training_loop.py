"""Training learns, and a run that was stopped goes on as if it had not been."""

import json
import math
import re

import pytest
import torch
from safetensors.torch import load_file

import ram
from ram.build import build_model
from ram.training.loop import NonFiniteLoss, learning_rate, train
from ram.training.recipe import ScheduleRecipe
from tests.tiny import HashTextEncoder
from tests.toy_run import COLOURS, draw, make_data, toy_model, toy_recipe, use_hash_text_encoder

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
        recipe = toy_recipe(epochs=10, batch=8, learning_rate=1e-2, precision="bfloat16", tags_per_step=0)
        train(recipe, data, folder / "run")
    return folder / "run"


class Stop(Exception):
    """Somebody pulled the plug."""


def stop_in(epoch, step):
    """A progress callback that ends the run in the middle of an epoch."""

    def progress(what, done, total):
        if what.startswith(f"epoch {epoch} ") and done == step:
            raise Stop

    return progress


def curve(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def initial(recipe):
    """The model as a run begins with it."""
    torch.manual_seed(recipe.schedule.seed)
    return build_model(recipe.model)


def test_the_loss_falls_and_held_out_pictures_are_ranked_far_better_than_by_chance(learnt):
    first, *_, last = curve(learnt)
    assert [record["epoch"] for record in curve(learnt)] == list(range(1, 11))
    assert all(last[name] < 0.8 * first[name] for name in ("tagging", "alignment", "contrastive"))
    chance = 2 / len(COLOURS)  # two tags a picture
    assert last["dev_mAP"] > chance + 0.4


def test_the_folder_that_comes_out_loads_and_tags_a_new_picture(learnt):
    tagger = ram.load(learnt / "model")
    for left, right in (("red", "blue"), ("white", "green"), ("yellow", "black")):
        top = tagger.tag(draw(left, right, seed=99)).top(2)
        assert {score.tag for score in top} == {left, right}
    assert {len(score.descriptions) for score in top} == {3}


def test_thresholds_are_calibrated_on_the_held_out_pictures(learnt):
    tagger = ram.load(learnt / "model")
    assert set(tagger.bank.vocabulary.thresholds) != {0.5}
    pictures = [(left, right) for left in COLOURS for right in COLOURS if left < right]
    shown = [set(tagger.tag(draw(*pair, seed=7)).tags) for pair in pictures]
    hits = sum(len(tags & set(pair)) for tags, pair in zip(shown, pictures, strict=True))
    f1 = 2 * hits / (sum(map(len, shown)) + 2 * len(pictures))
    assert f1 > 0.8


@pytest.mark.parametrize("freeze_backbone", [True, False])
@pytest.mark.parametrize("step", [1, 3])
def test_a_run_stopped_within_an_epoch_and_resumed_ends_bit_by_bit_as_if_uninterrupted(
    data, tmp_path, freeze_backbone, step
):
    recipe = toy_recipe(freeze_backbone=freeze_backbone)
    train(recipe, data, tmp_path / "whole")
    with pytest.raises(Stop):
        train(recipe, data, tmp_path / "stopped", progress=stop_in(2, step))
    assert not (tmp_path / "stopped/model").exists()
    train(recipe, data, tmp_path / "stopped", resume=True)
    for file in ("state.safetensors", "model/model.safetensors"):
        whole, resumed = load_file(tmp_path / "whole" / file), load_file(tmp_path / "stopped" / file)
        assert whole.keys() == resumed.keys()
        assert [name for name in whole if not torch.equal(whole[name], resumed[name])] == []
    without_time = [[{**record, "seconds": 0} for record in curve(tmp_path / run)] for run in ("whole", "stopped")]
    assert without_time[0] == without_time[1]
    thresholds = [(tmp_path / run / "model/vocabulary.csv").read_text() for run in ("whole", "stopped")]
    assert thresholds[0] == thresholds[1]


def test_other_seeds_end_elsewhere(data, tmp_path):
    ends = []
    for seed in (1, 2, 1):
        output = tmp_path / str(len(ends))
        train(toy_recipe(epochs=1, seed=seed), data, output)
        ends.append(load_file(output / "state.safetensors")["model/head.weight"])
    assert torch.equal(ends[0], ends[2]) and not torch.equal(ends[0], ends[1])


def test_resuming_computes_no_patches_and_embeds_no_captions_again(data, tmp_path):
    told = []
    train(toy_recipe(epochs=1), data, tmp_path / "run", progress=lambda what, done, total: told.append(what))
    assert {what.split()[0] for what in told} == {"looking", "embedding", "epoch"}
    told.clear()
    recipe = toy_recipe(epochs=2)
    train(recipe, data, tmp_path / "run", resume=True, progress=lambda what, done, total: told.append(what))
    assert set(told) == {"epoch 2 of 2"}


def test_an_output_that_holds_a_run_is_refused_without_resume(data, tmp_path):
    train(toy_recipe(epochs=1), data, tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="'run' already holds a run.*--resume.*--output"):
        train(toy_recipe(epochs=1), data, tmp_path / "run")
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


def test_resuming_with_another_model_is_refused(data, tmp_path):
    train(toy_recipe(epochs=1), data, tmp_path / "run")
    other = toy_recipe(toy_model(normalize_tokens=False))
    with pytest.raises(ValueError, match="does not continue this recipe"):
        train(other, data, tmp_path / "run", resume=True)


def test_a_loss_that_is_no_number_stops_the_run_with_the_step_and_the_files(data, tmp_path, monkeypatch):
    culprit = json.loads((data / "train.json").read_text())[5]

    class Broken(HashTextEncoder):
        """Fails on the captions of one picture."""

        def encode(self, sentences):
            broken = torch.tensor([[sentence in culprit["caption"]] for sentence in sentences])
            return super().encode(sentences).masked_fill(broken, torch.nan)

    monkeypatch.setattr("ram.training.dataset.build_text_encoder", lambda name: Broken())
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


@pytest.mark.parametrize("freeze_backbone", [True, False])
def test_a_frozen_backbone_keeps_weights_and_statistics_and_a_free_one_changes_them(data, tmp_path, freeze_backbone):
    recipe = toy_recipe(freeze_backbone=freeze_backbone, epochs=1)
    train(recipe, data, tmp_path / "run")
    state = load_file(tmp_path / "run/state.safetensors")
    before = initial(recipe).image_encoder.backbone.state_dict()
    changed = [name for name, tensor in before.items() if not torch.equal(tensor, state[BACKBONE + name])]
    assert (changed == []) == freeze_backbone
    assert any(name.endswith("running_mean") for name in before)
    if not freeze_backbone:
        assert changed == list(before)


def test_everything_but_a_frozen_backbone_is_trained(data, tmp_path):
    recipe = toy_recipe(epochs=1)
    train(recipe, data, tmp_path / "run")
    state = load_file(tmp_path / "run/state.safetensors")
    model = initial(recipe)
    still = [n for n, p in model.named_parameters() if torch.equal(p, state[f"model/{n}"]) and "backbone" not in n]
    # adding the same to every key of a picture changes no attention
    assert [name for name in still if not name.endswith("key.bias")] == []


def test_the_saved_model_is_the_running_average(data, tmp_path):
    train(toy_recipe(), data, tmp_path / "run")
    state, saved = (load_file(tmp_path / "run" / file) for file in ("state.safetensors", "model/model.safetensors"))
    for name in ("queries.project.weight", "decoder.blocks.0.expand.bias", "head.weight"):
        assert torch.equal(saved[name], state[f"average/{name}"].to(saved[name].dtype))
        assert not torch.equal(saved[name], state[f"model/{name}"].to(saved[name].dtype))
    assert saved["head.weight"].dtype == torch.float16 and saved["head.bias"].dtype == torch.float32


def test_without_held_out_pictures_thresholds_stay_and_nothing_is_measured(data, tmp_path):
    recipe = toy_recipe(epochs=1)
    recipe = type(recipe)(**{**vars(recipe), "data": type(recipe.data)(**{**vars(recipe.data), "dev": ()})})
    folder = train(recipe, data, tmp_path / "run")
    assert set(ram.load(folder).bank.vocabulary.thresholds) == {0.5}
    assert "dev_mAP" not in curve(tmp_path / "run")[0]


def test_fewer_pictures_than_a_batch_are_one_step(data, tmp_path):
    steps = []
    train(toy_recipe(epochs=2, batch=100), data, tmp_path / "run", progress=lambda *told: steps.append(told))
    assert [told for told in steps if told[0].startswith("epoch")] == [("epoch 1 of 2", 1, 1), ("epoch 2 of 2", 1, 1)]


def test_the_learning_rate_climbs_evenly_then_falls_along_half_a_cosine_to_nothing():
    schedule = ScheduleRecipe(epochs=1, batch=1, learning_rate=0.2, warmup=0.1)
    rates = [learning_rate(step, 100, schedule) for step in range(101)]
    assert rates[:10] == pytest.approx([0.02 * (step + 1) for step in range(10)])
    assert rates[10] == max(rates) == 0.2
    assert rates[55] == pytest.approx(0.1)
    assert rates[70] == pytest.approx(0.1 * (1 + math.cos(math.pi * 60 / 90)))
    assert rates[100] == pytest.approx(0, abs=1e-12) and 0 < rates[99] < 1e-3
    assert all(a > b for a, b in zip(rates[10:-1], rates[11:], strict=True))


def test_a_schedule_of_one_step_takes_it_at_full_rate():
    assert learning_rate(0, 1, ScheduleRecipe(epochs=1, batch=1, learning_rate=0.2, warmup=0.0)) == 0.2
