"""Sentences that begin alike share what they begin with, and nothing else."""

import pytest
import torch
import torch.nn.functional as F

from ram.models.fast.prefix_tree import PrefixTree, encode_tree
from ram.models.text_encoder import ClipTextEncoder

SENTENCES = [
    "a corgi is a small dog with short legs",
    "a dog",
    "a corgi is a small dog with the face of a fox",
    "a corgi is a small dog",
    "corgis herd cattle",
    "a corgi is a small dog with short legs",
    "",
    "word " * 90,
]


def tokens(clip, sentences):
    ids = clip.tokenize(sentences)
    return [row[: end + 1].tolist() for row, end in zip(ids, ids.argmax(-1).tolist(), strict=True)]


def paths(tree):
    """Each node's sentence so far, read from the masks alone."""
    first = 0
    for mask in tree.masks:
        for node in mask:
            seen = first + node.nonzero().flatten()
            yield tree.tokens[seen].tolist()
        first += len(mask)


@pytest.mark.parametrize("group", [1, 20, 1000])
def test_every_node_attends_to_the_path_to_it(clip, group):
    sentences = tokens(clip, SENTENCES)
    tree = PrefixTree.of(sentences, group)
    beginnings = list(paths(tree))
    assert [beginnings[end] for end in tree.ends] == sentences
    assert [len(path) - 1 for path in beginnings] == tree.depths.tolist()
    assert all(any(sentence[: len(path)] == path for sentence in sentences) for path in beginnings)


def test_one_tree_holds_every_beginning_once(clip):
    sentences = tokens(clip, SENTENCES)
    beginnings = {tuple(sentence[: n + 1]) for sentence in sentences for n in range(len(sentence))}
    assert len(PrefixTree.of(sentences, 1000).tokens) == len(beginnings) < sum(map(len, sentences))


def test_a_tree_ends_where_it_is_large_enough(clip):
    sentences = tokens(clip, SENTENCES)
    longest = max(map(len, sentences))
    assert max(len(mask) for mask in PrefixTree.of(sentences, 20).masks) < 20 + longest
    assert len(PrefixTree.of(sentences, 1).masks) == len(sentences)


@torch.no_grad()
@pytest.mark.parametrize("group", [1, 20, 1000])
def test_a_tree_embeds_as_open_clip_embeds_padded_sentences(clip, group):
    wanted = clip.model.encode_text(clip.tokenize(SENTENCES))
    torch.testing.assert_close(encode_tree(clip.model, PrefixTree.of(tokens(clip, SENTENCES), group)), wanted)


@pytest.mark.slow
def test_bfloat16_keeps_directions_and_fingerprint():
    made = []
    for dtype in (torch.float32, torch.bfloat16):
        torch.manual_seed(0)
        made.append(ClipTextEncoder(pretrained=None, dtype=dtype))
    exact, rounded = made
    assert F.cosine_similarity(exact.encode(SENTENCES), rounded.encode(SENTENCES)).min() > 0.9995
    assert exact.fingerprint == rounded.fingerprint


def test_a_sentence_without_a_token_is_refused():
    with pytest.raises(ValueError, match="at least the end token"):
        PrefixTree.of([[1, 2], []])
