"""The captioner at any size: a batch equals single images, only given tags count, and it learns."""

import copy

import pytest
import torch

from ram.errors import InputError
from ram.models.caption_generation import Rules, search_beams, write_greedily, write_samples
from ram.models.caption_text import CaptionText
from ram.models.captioner import Captioner
from ram.models.captioner_config import CaptionerConfig
from ram.models.config import DecoderConfig
from ram.models.losses import caption_loss, scaled_to
from tests.captions import WORDS, captioner_config, captioning_config, captioning_model

RULES = Rules(end=4, min_length=6, max_length=14)


@pytest.fixture
def captioner():
    return captioning_model().captioner


@pytest.fixture
def text(captioner):
    return CaptionText(captioner.config, WORDS)


@pytest.fixture
def tokens():
    return torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(3))


def write(captioner, tokens, tags, how, rules=RULES):
    text = CaptionText(captioner.config, WORDS)
    prompt = torch.tensor([text.prompt]).expand(len(tokens), -1)
    with torch.no_grad():
        return how(captioner.reader(captioner.guide(tokens, text.tags(tags))), prompt, rules)


def by_beams(beams):
    return lambda reader, prompt, rules: search_beams(reader, prompt, rules, beams)


def without_cache(captioner, tokens, tags, length):
    """Greedy captions by whole forward passes: the oracle of the key-value cache."""
    text = CaptionText(captioner.config, WORDS)
    ids = torch.tensor([text.prompt])
    while ids.shape[1] < length:
        with torch.no_grad():
            logits = captioner(tokens, text.tags([tags]), ids)[:, -1]
        if ids.shape[1] < RULES.min_length:
            logits[:, RULES.end] = -torch.inf
        ids = torch.cat([ids, logits.argmax(1, keepdim=True)], 1)
        if ids[0, -1] == RULES.end:
            break
    return ids[0].tolist()


def log_probability(captioner, tokens, tags, ids):
    """Sum over the tokens after the prompt by one forward pass: the oracle of a beam's score."""
    text = CaptionText(captioner.config, WORDS)
    with torch.no_grad():
        likely = captioner(tokens, text.tags([tags]), torch.tensor([ids])).log_softmax(-1)[0]
    first = len(text.prompt)
    return sum(likely[at - 1, ids[at]].item() for at in range(first, len(ids)))


def test_the_cache_changes_no_caption(captioner, tokens):
    for image, tags in enumerate((["dog"], ["cat", "grass"])):
        single = tokens[image : image + 1]
        (written,) = write(captioner, single, [tags], write_greedily)
        assert written.ids == without_cache(captioner, single, tags, RULES.max_length)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("how", [write_greedily, by_beams(2), by_beams(5)], ids=["greedy", "2 beams", "5 beams"])
def test_a_batch_equals_its_images_one_by_one(tokens, how, padded):
    captioner = captioning_model(attend_padding=padded).captioner
    tags = [["dog", "grass", "pine tree"], []]
    both = write(captioner, tokens, tags, how)
    alone = [write(captioner, tokens[i : i + 1], tags[i : i + 1], how)[0] for i in range(2)]
    assert [each.ids for each in both] == [each.ids for each in alone]


def test_a_beams_score_is_its_mean_log_probability(captioner, tokens):
    for image in range(2):
        single = tokens[image : image + 1]
        (written,) = write(captioner, single, [["dog"]], by_beams(4))
        ended = written.ids[-1] == RULES.end
        counted = len(written.ids) - ended
        wanted = log_probability(captioner, single, ["dog"], written.ids) / counted
        assert written.score == pytest.approx(wanted, abs=1e-5)


def test_more_beams_find_no_worse_caption_than_all_of_them(tokens):
    """With as many beams as there are captions, the search is exhaustive."""
    captioner = captioning_model(seed=5).captioner
    rules = Rules(end=4, min_length=0, max_length=len(CaptionText(captioner.config, WORDS).prompt) + 2)
    (written,) = write(captioner, tokens[:1], [["cat"]], by_beams(len(WORDS) ** 2), rules)
    text = CaptionText(captioner.config, WORDS)
    scores, prompt, words = {}, text.prompt, range(len(WORDS))
    captions = torch.tensor([[*prompt, word] for word in words])
    with torch.no_grad():
        logits = captioner(tokens[:1].expand(len(WORDS), -1, -1), text.tags([["cat"]] * len(WORDS)), captions)
    likely = logits.log_softmax(-1)[:, len(prompt) - 1 :].tolist()
    for first in words:
        for second in words if first != 4 else [None]:
            ids = [*prompt, first] + ([] if second is None else [second])
            total = likely[first][0][first] + (0 if second is None else likely[first][1][second])
            scores[tuple(ids)] = total / (len(ids) - (ids[-1] == 4))
    best = max(scores, key=scores.get)
    assert tuple(written.ids) == best and written.score == pytest.approx(scores[best], abs=1e-5)


def test_samples_follow_the_seed_and_the_nucleus(captioner, tokens):
    def drawn(seed, top_p):
        generator = torch.Generator().manual_seed(seed)
        how = lambda reader, prompt, rules: write_samples(reader, prompt, rules, top_p, generator)  # noqa: E731
        return [each.ids for each in write(captioner, tokens, [["dog"], ["cat"]], how)]

    assert drawn(1, 0.95) == drawn(1, 0.95)
    assert len({str(drawn(seed, 0.95)) for seed in range(6)}) > 1
    greedy = [each.ids for each in write(captioner, tokens, [["dog"], ["cat"]], write_greedily)]
    assert drawn(1, 1e-6) == greedy  # the likeliest word always belongs to the nucleus


def test_lengths_and_repetition_are_as_asked_for(captioner, tokens):
    for how in (write_greedily, by_beams(3)):
        for shortest, longest in ((6, 6), (10, 20), (24, 24)):
            written = write(captioner, tokens, [["dog"], ["cat"]], how, Rules(4, shortest, longest))
            assert all(shortest <= len(each.ids) <= longest for each in written)
    for each in write(captioner, tokens, [["dog"], ["cat"]], write_greedily, Rules(4, 0, 12, 10.0)):
        written = each.ids[4:]
        assert len(set(written)) == len(written)


def test_padding_of_other_images_changes_no_logit(captioner, text, tokens):
    captions = text.captions(["the dog runs on grass", "a cat"])
    tags = text.tags([["dog"], ["cat", "grass", "tree"]])
    with torch.no_grad():
        both = captioner(tokens, tags, captions)
        alone = captioner(tokens[:1], tags[:1, :3], captions[:1])
    torch.testing.assert_close(both[:1, : alone.shape[1]], alone[:, : both.shape[1]], atol=1e-5, rtol=0)


def test_a_token_sees_none_after_it(captioner, text, tokens):
    captions = text.captions(["the dog runs", "the dog sits"])
    tags = text.tags([["dog"]] * 2)
    with torch.no_grad():
        logits = captioner(tokens[:1].expand(2, -1, -1), tags, captions)
    same = int((captions[0] == captions[1]).int().argmin())
    torch.testing.assert_close(logits[0, :same], logits[1, :same])
    assert not torch.allclose(logits[0, same], logits[1, same])


def test_the_loss_is_the_smoothed_cross_entropy_after_the_prompt(captioner, text, tokens):
    captions, tags = text.captions(["the dog runs", "a cat"]), text.tags([["dog"], ["cat"]])
    with torch.no_grad():
        logits, loss = captioner(tokens, tags, captions), captioner.loss(tokens, tags, captions, len(text.prompt))
    costs = []
    for row, ids in zip(logits.log_softmax(-1), captions.tolist(), strict=True):
        for at in range(len(text.prompt), len(ids)):
            if ids[at] != 0:
                costs.append(-0.9 * row[at - 1, ids[at]] - 0.1 * row[at - 1].mean())
    assert loss.item() == pytest.approx(torch.stack(costs).mean().item(), rel=1e-5)


def test_seen_tags_are_read_behind_a_separator_of_their_own():
    text = CaptionText(captioner_config(seen_separator=" the ", seen_tags=2, tag_tokens=9), WORDS)
    given, seen = [["cat"], []], [["dog", "grass", "pine"], ["dog"]]
    ids = text.tags(given, seen)
    pieces = [[WORDS.pieces[i] for i in row if i] for row in ids.tolist()]
    assert pieces == [["[ENC]", "cat", "the", "dog", "|", "grass", "[SEP]"], ["[ENC]", "the", "dog", "[SEP]"]]
    assert text.tags([["cat"]]).tolist() == [[3, WORDS.id("cat"), WORDS.id("the"), 4]]
    short = CaptionText(captioner_config(seen_separator=" the ", tag_tokens=5), WORDS)
    assert [WORDS.pieces[i] for i in short.tags([["cat"]], [["dog"]])[0]] == ["[ENC]", "cat", "the", "dog", "[SEP]"]


def test_only_a_decoder_that_attends_to_the_image_sees_it_beside_the_tags(tokens):
    for attends in (False, True):
        captioner = captioning_model(attend_image=attends, attend_padding=True).captioner
        text = CaptionText(captioner.config, WORDS)
        guidance = captioner.guide(tokens[:1], text.tags([["dog"]]))
        other = captioner.read_image(tokens[1:]).decoder
        captions = text.captions(["the dog"])
        with torch.no_grad():
            here, there = (
                captioner.states(guidance._replace(image=image), captions) for image in (guidance.image, other)
            )
        assert torch.equal(here, there) != attends and bool(guidance.image) == attends
    for padded in (False, True):  # with and without a mask, cached and not
        captioner = captioning_model(attend_image=True, attend_padding=padded).captioner
        (written,) = write(captioner, tokens[:1], [["dog"]], write_greedily)
        assert written.ids == without_cache(captioner, tokens[:1], ["dog"], RULES.max_length)


def test_a_scaled_loss_has_the_size_of_the_other_and_its_own_direction():
    x = torch.tensor([3.0, 4.0], requires_grad=True)
    other = torch.tensor(0.5)
    scaled = scaled_to((x**2).sum(), other)
    scaled.backward()
    assert scaled.item() == pytest.approx(0.5)
    torch.testing.assert_close(x.grad, 2 * x.detach() * 0.5 / 25)


def test_caption_loss_counts_known_tokens_only():
    logits, targets = torch.randn(2, 3, 7), torch.tensor([[1, 2, 0], [3, 0, 0]])
    known = targets != 0
    alone = caption_loss(logits, targets, known)
    logits[~known] += 5
    torch.testing.assert_close(caption_loss(logits, targets, known), alone)


def test_a_small_captioner_learns_to_follow_its_tags():
    torch.manual_seed(0)
    captioner = Captioner(captioner_config(), context_dim=24)
    text = CaptionText(captioner.config, WORDS)
    tokens = torch.randn(1, 5, 24).expand(2, -1, -1)  # one image: the tags alone make the difference
    tags, captions = text.tags([["dog"], ["cat"]]), text.captions(["the dog runs on grass", "two cats"])
    optimizer = torch.optim.AdamW(captioner.parameters(), lr=1e-2)
    for _ in range(60):
        loss = captioner.loss(tokens, tags, captions, len(text.prompt), smoothing=0.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for how in (write_greedily, by_beams(3)):
        written = write(captioner.eval(), tokens, [["dog"], ["cat"]], how, Rules(4, 0, 14))
        assert [text.read(each.ids) for each in written] == ["the dog runs on grass", "two cats"]


def test_shared_words_are_one_embedding():
    names = dict(captioning_model().captioner.named_parameters())
    own = dict(captioning_model(shared_words=False).captioner.named_parameters())
    assert own.keys() - names.keys() == {
        f"tag_encoder.embeddings.{name}" for name in ("words.weight", "positions.weight", "norm.weight", "norm.bias")
    }


def test_tied_layers_stay_tied_in_a_copy():
    model = copy.deepcopy(captioning_model(hidden=24, heads=6, intermediate=48, tied_layers=2))
    for block, layer in zip(model.decoder.blocks, model.captioner.tag_encoder.layers, strict=True):
        assert layer.aligned is block
    captions = torch.tensor([[2, 6, 7, 8, 9, 4]])
    model.captioner.loss(torch.randn(1, 3, 16), torch.tensor([[3, 9, 4]]), captions).backward()
    assert model.decoder.blocks[1].expand.weight.grad.norm() > 0


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"heads": 3}, "captioner width 16 does not divide into 3 heads"),
        ({"decoder_layers": 0}, "captioner.decoder_layers is 0: it must be at least 1"),
        ({"tied_layers": 3}, "captioner.tied_layers is 3: it must be between 0 and 2"),
        ({"end": 99}, "tokens begin, tags, end and pad are 2, 3, 99, 0: they must differ"),
        ({"end": 3}, "they must differ"),
        ({"tag_tokens": 2}, "captioner.tag_tokens is 2: it must be between 3 and 24"),
        ({"max_length": 25}, "captioner lengths are 6 to 25"),
        ({"tied_layers": 2}, "2 layers of the captioner, of width .* are tied to a decoder of 2 layers"),
        ({"dropout": 1.0}, "captioner.dropout is 1.0"),
        ({"seen_separator": " |"}, "captioner.seen_separator is ' |': it must differ from the separator of two tags"),
        ({"seen_separator": "  "}, "captioner.seen_separator is '  '"),
        ({"seen_tags": 0}, "captioner.seen_tags is 0: it must be at least 1"),
    ],
    ids=lambda x: next(iter(x.items())) if isinstance(x, dict) else "",
)
def test_sizes_that_do_not_fit_are_refused(change, sentence):
    with pytest.raises(InputError, match=sentence):
        captioning_config(**change)


def test_the_defaults_are_the_official_captioner():
    config = CaptionerConfig()
    assert (config.hidden, config.heads, config.vocabulary) == (DecoderConfig().hidden, 12, 30524)
    assert (config.begin, config.tags, config.prompt) == (30522, 30523, "a picture of ")
