"""Numbers of the official implementation, at seeded random weights: converted, loaded and compared in fp32."""

import json
import re

import pytest
import torch
from safetensors.torch import load_file

import ram
from ram.checkpoints.model_folder import load_model
from ram.checkpoints.official_names import BANK, DROPPED, LEARNED_BANK, RENAMED, rename
from ram.checkpoints.registry import PUBLISHED
from ram.checkpoints.window_tables import resize_window_table
from ram.errors import CheckpointError
from ram.models.build import build_model
from ram.models.config import DecoderConfig, ImageConfig, ModelConfig
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.image_encoder import ImageFeatures
from ram.models.losses import asymmetric_loss, distillation_loss
from ram.text.vocabulary import TagVocabulary
from tests.official import official_shapes

ATOL = 1e-5
MANIFESTS = {
    "ram_plus_swin_l_384": "ram-plus-swin-large",
    "ram_plus_swin_l_224": "ram-plus-swin-large-224",
    "ram_plus_swin_b_384": "ram-plus-swin-base",
    "ram_plus_swin_b_224": "ram-plus-swin-base-224",
    "ram_swin_l_384": "ram-swin-large",
    "tag2text_swin_b_384": "tag2text-swin-base",
}


class Reference:
    """A tiny official model: its numbers, and the folder that our conversion makes of its weights."""

    def __init__(self, source, folder):
        self.config = json.loads((source / "config.json").read_text(encoding="utf-8"))
        self.inputs = load_file(source / "inputs.safetensors")
        self.outputs = load_file(source / "outputs.safetensors")
        state = load_file(source / "model.safetensors")
        self.vocabulary = self.read_vocabulary()
        config = self.read_config()
        self.folder = ram.convert_official(state, folder, config=config, vocabulary=self.vocabulary)
        self.is_ram = config.max_descriptions == 1

    def read_config(self):
        swin, head = self.config["swin"], self.config["q2l_config"]
        options = {"img_size": swin["image_res"]} | {
            key: swin[key] for key in ("window_size", "embed_dim", "depths", "num_heads")
        }
        return ModelConfig(
            name=self.config["model"],
            image=ImageConfig("swin_tiny_patch4_window7_224", swin["image_res"], options=options),
            text_encoder="clip-vit-b-16",
            dim=512,
            decoder=DecoderConfig(
                head["hidden_size"],
                head["num_attention_heads"],
                head["intermediate_size"],
                head["num_hidden_layers"],
            ),
            max_descriptions=self.config.get("descriptions_per_tag", 1) % 51 or None,
        )

    def read_vocabulary(self):
        """Tags that the official code deletes by index get the threshold that nothing is over."""
        thresholds = list(self.config["class_threshold"])
        for index in self.config.get("delete_tag_index", []):
            thresholds[index] = 1.0
        names, translations = self.config["tag_list"], self.config["tag_list_chinese"]
        return TagVocabulary(tuple(names), tuple(thresholds), tuple(translations))

    def differs(self, name, ours):
        """Largest absolute difference of ours to a named output; shapes have to be the same."""
        wanted = self.outputs[name]
        assert ours.shape == wanted.shape, name
        return (ours - wanted).abs().max().item()


@pytest.fixture(scope="module", params=["ram_plus_tiny", "ram_tiny"])
def reference(request, shared, tmp_path_factory):
    return Reference(shared / "golden" / request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def network(reference):
    """The loaded network and its bank; the bank's embeddings collect a gradient."""
    _, model, bank = load_model(reference.folder)
    embeddings = bank.embedded.embeddings.float().requires_grad_()
    return model, DescriptionEmbeddings(embeddings, bank.embedded.mask)


def watch(module, seen, name):
    module.register_forward_hook(lambda module, inputs, output: seen.__setitem__(name, output))


def near_logits(ours, wanted):
    """To 1e-5, of logits over 1 to 1e-5 of their size.

    They reach 5, and the stored ones lie 0.6 to 1.3e-5 from the same network in float64: CPUs add up in other orders.
    """
    assert ours.shape == wanted.shape
    assert ((ours - wanted).abs() <= ATOL * wanted.abs().clamp(min=1)).all(), (ours - wanted).abs().max()


def test_every_intermediate_matches(reference, network):
    model, bank = network
    ours = {}
    swin = model.image_encoder.backbone
    watch(swin.patch_embed, ours, "patch_embed_out")
    for i in range(3):  # timm counts a downsampling to the stage after it
        watch(swin.layers[i + 1].downsample, ours, f"swin_layer{i}_out")
    watch(swin.layers[3], ours, "swin_layer3_out")
    watch(model.queries.project, ours, "wordvec_proj_out")
    watch(model.decoder.blocks[0], ours, "head_layer0_out")
    watch(model.decoder, ours, "tagging_embed")
    with torch.no_grad():
        patches = model.image_encoder.patches(reference.inputs["image"])
        features = model.image_encoder.embed(patches)
        ours["logits"], ours["description_weights"] = model.align(features, bank)
        ours["label_embed_reweight"], _ = model.reweighting(features.pooled, bank)
    ours["visual_encoder_out"] = torch.cat([patches.mean(1, keepdim=True), patches], 1)
    ours["image_embeds"] = features.tokens
    ours = {name: x.flatten(1, 2) if "swin" in name or "patch" in name else x for name, x in ours.items()}
    if reference.is_ram:  # which projects its tags once for all pictures
        first, second = ours["wordvec_proj_out"]
        torch.testing.assert_close(first, second, atol=ATOL, rtol=0)
        ours["wordvec_proj_out"] = first
    shown = {name: reference.differs(name, x) for name, x in ours.items() if name in reference.outputs}
    assert len(shown) == (6 if reference.is_ram else 13)
    del shown["logits"]
    near_logits(ours["logits"], reference.outputs["logits"])
    assert max(shown.values()) < ATOL, shown
    probabilities = reference.outputs["logits"].sigmoid()
    torch.testing.assert_close(ours["logits"].sigmoid(), probabilities, atol=ATOL, rtol=0)


def test_losses_match(reference, network):
    losses = losses_of(reference, *network)
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(reference.outputs[name].item(), abs=ATOL, rel=2e-6), name


def test_gradients_match(reference, network):
    model, bank = network
    model.zero_grad()
    bank.embeddings.grad = None
    losses = losses_of(reference, model, bank)
    if reference.is_ram:  # its tag loss is scaled to the size of the caption loss
        losses["loss_tag"] = losses["loss_tag"] * (reference.outputs["loss_t2t"] / losses["loss_tag"]).detach()
    sum(losses.values()).backward()
    ours = {"label_embed": bank.embeddings.grad.flatten(0, 1)}
    parameters = dict(model.named_parameters())
    for name in reference.config["grad_norms"]:
        for target in rename({name: name})[0]:
            ours[name] = parameters[target].grad
    norms = dict(reference.config["grad_norms"])
    stored = {name[5:]: gradient for name, gradient in reference.outputs.items() if name.startswith("grad.")}
    if reference.is_ram:  # all other gradients hold a part of captioning
        own = re.compile(r"(label_embed|fc|wordvec_proj)\b.*")
        norms, stored, ours = ({n: x for n, x in d.items() if own.match(n)} for d in (norms, stored, ours))
    assert ours.keys() == norms.keys() and stored.keys() < ours.keys()
    for name, gradient in ours.items():
        assert gradient.norm().item() == pytest.approx(norms[name], rel=1e-5, abs=ATOL), name
    for name, wanted in stored.items():
        torch.testing.assert_close(ours[name], wanted, atol=2 * ATOL, rtol=0, msg=name)


def losses_of(reference, model, bank):
    """What a tagging model can know of the official losses: RAM's caption loss needs a captioner."""
    features = model.look(reference.inputs["image"])
    targets = reference.inputs["image_tag"]
    losses = {
        "loss_tag": asymmetric_loss(model.score(features, bank), targets, gamma_neg=7),
        "loss_dis": distillation_loss(features.pooled, reference.inputs["clip_feature"]),
    }
    if not reference.is_ram:
        texts = model.score(features, DescriptionEmbeddings(reference.inputs["batch_text_embed"][:, None]))
        near_logits(texts, reference.outputs["alignment_logits"])
        losses["loss_alignment"] = asymmetric_loss(texts, torch.eye(len(texts)), gamma_neg=4)
    return losses


def test_the_same_tags_are_over_their_thresholds(reference):
    tagger = ram.load(reference.folder, device="cpu")
    with torch.inference_mode():
        tokens = tagger.model.look(reference.inputs["image"]).tokens
    for i, wanted in enumerate(reference.config["generate_tag_result"]):
        found = set(tagger.score(ImageFeatures(tokens[i : i + 1])).tags)
        in_order = [tag for tag in tagger.bank.vocabulary.tags if tag in found]
        assert " | ".join(in_order) == wanted
        translations = tagger.bank.vocabulary.select(in_order).translations
        assert " | ".join(translations) == reference.config["generate_tag_chinese"][i]


def manifest(shared, name):
    """A full-size official state dict without values: names and shapes on the meta device."""
    entries = json.loads((shared / "golden" / f"manifest_{name}.json").read_text())
    return {key: torch.empty(shape, device="meta") for key, (shape, _) in entries.items()}


@pytest.mark.parametrize("name", MANIFESTS)
def test_every_published_key_has_exactly_one_rule(shared, name):
    rules = [*DROPPED, *RENAMED, *map(re.escape, (BANK, *LEARNED_BANK))]
    for key in manifest(shared, name):
        assert sum(bool(re.fullmatch(rule, key)) for rule in rules) == 1, key


@pytest.mark.parametrize("name, variant", MANIFESTS.items())
def test_a_published_checkpoint_fills_its_network_exactly(shared, name, variant):
    config = PUBLISHED[variant].config
    state = manifest(shared, name)
    weights, label_embed = rename(state, config.decoder.layers, config.captioner)
    with torch.device("meta"):
        target = build_model(config).state_dict()
    if config.max_descriptions == 1:
        del target["reweighting.log_scale"]  # has no effect on one description
    assert {n: tuple(t.shape) for n, t in weights.items()} == {n: tuple(t.shape) for n, t in target.items()}
    tags = 3429 if config.learned else 4585
    assert label_embed.shape == (tags * (config.max_descriptions or 51), config.dim)
    heads = {key.replace("tagging_head", "tag_encoder") for key in state if key.startswith("tagging_head")}
    tied = heads & state.keys()
    dropped = {key for key in state if any(re.fullmatch(rule, key) for rule in DROPPED)}
    banks = {BANK, *LEARNED_BANK} & state.keys()
    assert len(weights) == len(state.keys() - tied - dropped - banks)
    assert len(tied) == (32 if config.captioner else 0)
    reasons = {name.split(".")[-1] for name in dropped if not name.startswith("text_decoder.cls")}
    assert reasons <= {"relative_position_index", "attn_mask", "position_ids"}  # which are computed, not learned


@pytest.mark.parametrize("name, variant", [pair for pair in MANIFESTS.items() if "plus" in pair[0]])
def test_the_shapes_used_by_other_tests_are_the_published_ones(shared, name, variant):
    published = {n: tuple(t.shape) for n, t in manifest(shared, name).items()}
    made_up = official_shapes(PUBLISHED[variant].config, tags=4585)
    recomputed = published.keys() - made_up.keys()
    assert all(n.endswith(("relative_position_index", "attn_mask")) for n in recomputed)
    assert made_up == {n: shape for n, shape in published.items() if n not in recomputed}


def test_the_wrong_kind_of_checkpoint_is_refused_with_a_sentence(shared, tmp_path):
    wrong = {name: "tag2text-swin-base" for name in MANIFESTS if name != "tag2text_swin_b_384"}
    for name, variant in [*wrong.items(), ("tag2text_swin_b_384", "ram-swin-large")]:
        with pytest.raises(CheckpointError, match=f"but {variant} is .*: choose its variant"):
            ram.convert_official(manifest(shared, name), tmp_path / "new", variant=variant)
    assert not (tmp_path / "new").exists()


def test_asymmetric_loss_matches_in_value_and_gradient(shared):
    golden = load_file(shared / "golden" / "losses_metrics" / "asl.safetensors")
    settings = [name for name in golden if name.startswith("loss.")]
    assert len(settings) == 5
    for name in settings:
        gamma_neg, gamma_pos, clip = map(float, re.findall(r"[\d.]+", name[5:]))
        x = golden["x"].clone().requires_grad_()
        loss = asymmetric_loss(x, golden["y"], gamma_neg, gamma_pos, clip)
        loss.backward()
        torch.testing.assert_close(loss, golden[name], atol=ATOL, rtol=0, msg=name)
        wanted = golden[name.replace("loss.", "grad.")]
        torch.testing.assert_close(x.grad, wanted, atol=ATOL, rtol=0, msg=name)


def test_window_tables_are_interpolated_alike(shared):
    golden = load_file(shared / "golden" / "losses_metrics" / "relative_position_interpolation.safetensors")
    pairs = [("table7", "table7_to_12"), ("asym7", "asym7_to_12"), ("smooth7", "smooth7_to_12")]
    for source, wanted in [*pairs, ("table12", "table12_to_7"), ("table7", "table7_same")]:
        ours = resize_window_table(golden[source], len(golden[wanted]))
        torch.testing.assert_close(ours, golden[wanted], atol=ATOL, rtol=0, msg=wanted)
