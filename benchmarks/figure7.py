"""Figure 7 of the RAM++ paper: time against the number of categories for ITC (CLIP), ITM (BLIP) and ITTA (ours).

    python -m benchmarks.figure7 [--output assets] [--threads 2] [--processor-time]

Modules of real size with random weights, which take the same time as trained ones, in float32. Each way looks at the
picture once, which is measured once and added; categories' texts are embedded before, where a way allows it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from benchmarks.measuring import in_turns, machine
from benchmarks.setting import FULL, QUICK, Size, pictures, random_bank, random_model
from ram.models.scoring import Scorer

COUNTS = (10, 30, 100, 300, 1000, 4585)
ITC, ITM, ITTA = "ITC: CLIP ViT-B/16", "ITM: BLIP base", "ITTA: RAM++ Swin-L (ours)"
CPU = torch.device("cpu")
WORDS, PAIRS = 8, 16
"""Tokens of "a photo of a ...", and image-text pairs per batch of ITM."""
INK, MUTED = "#0f1b2d", "#4a5a70"


@dataclass(frozen=True)
class Way:
    """A curve of the figure: ``look`` runs once per image, ``score`` scores a number of categories."""

    name: str
    colour: str
    marker: str
    look: Callable[[], object]
    score: Callable[[int], object]


def contrast(layers: int, width: int, side: int, device: torch.device = CPU, dtype: torch.dtype = torch.float32) -> Way:
    """ITC: CLIP's image encoder and its cosine with every category's text embedding."""
    import ram.models.torchvision_shim  # noqa: F401, I001  (before open_clip)
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

    unused = CLIPTextCfg(layers=1, width=64, heads=1)
    clip = CLIP(512, CLIPVisionCfg(layers, width, image_size=side), unused).eval().to(device, dtype)
    pixels = torch.randn(1, 3, side, side).to(device, dtype)
    texts = F.normalize(torch.randn(max(COUNTS), 512), dim=-1).to(device, dtype)
    pooled = F.normalize(clip.encode_image(pixels), dim=-1)
    return Way(ITC, "#0072B2", "o", lambda: clip.encode_image(pixels), lambda count: pooled @ texts[:count].T)


def match(layers: int, width: int, side: int, device: torch.device = CPU, dtype: torch.dtype = torch.float32) -> Way:
    """ITM: BLIP's image encoder, and a BERT with cross-attention to it for every category."""
    import ram.models.torchvision_shim  # noqa: F401, I001  (before transformers)
    from transformers import BlipConfig
    from transformers.models.blip.modeling_blip import BlipForImageTextRetrieval

    size = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": width // 64}
    size["intermediate_size"] = 4 * width
    text, vision = size | {"encoder_hidden_size": width}, size | {"image_size": side}
    blip = BlipForImageTextRetrieval(BlipConfig(text_config=text, vision_config=vision)).eval().to(device, dtype)
    pixels = torch.randn(1, 3, side, side).to(device, dtype)
    words = torch.randint(1000, 20_000, (max(COUNTS), WORDS)).to(device)
    tokens = blip.vision_model(pixels)[0]

    def score(count: int) -> list[torch.Tensor]:
        logits = []
        for some in words[:count].split(PAIRS):
            seen = tokens.expand(len(some), -1, -1)
            read = blip.text_encoder(some, torch.ones_like(some), encoder_hidden_states=seen)[0]
            logits.append(blip.itm_head(read[:, 0]))
        return logits

    return Way(ITM, "#D55E00", "s", lambda: blip.vision_model(pixels), score)


def align(size: Size, device: torch.device = CPU, dtype: torch.dtype = torch.float32) -> Way:
    """ITTA: RAM++ with 51 descriptions per category."""
    model, bank = random_model(size).to(device, dtype), random_bank(max(COUNTS), size).to(device, dtype)
    pixels = pictures(size).to(device, dtype)
    features, scorer = model.look(pixels), Scorer(model)
    return Way(
        ITTA,
        "#009E73",
        "^",
        lambda: model.look(pixels),
        lambda count: scorer.score(features, bank.rows(slice(0, count))),
    )


def measure(way: Way, clock: Callable[[], float], rounds: int, seconds: float) -> dict[int, float]:
    """Map numbers of categories to seconds: the first two, and further ones expected to end within ``seconds``."""
    look = in_turns({"look": way.look}, rounds, seconds / 10, clock)["look"]
    taken: dict[int, float] = {}
    began, score = clock(), 0.0
    for count in COUNTS:
        likely = score * count / max(taken, default=1)
        if len(taken) >= 2 and clock() - began + likely > seconds:
            break
        score = in_turns({"score": lambda n=count: way.score(n)}, rounds, seconds / 10, clock)["score"]
        taken[count] = look + score
    return taken


def extend(taken: dict[int, float]) -> dict[int, float]:
    """Extrapolate the counts that were not measured, on the line through the last two measured ones."""
    (x, before), (y, last) = list(taken.items())[-2:]
    return {count: last + (last - before) / (y - x) * (count - y) for count in COUNTS if count > y}


def draw(results: dict[str, dict[str, dict[int, float]]], ways: list[Way], where: str, paths: list[Path]) -> None:
    """Draw with logarithmic axes; extrapolated points are hollow and dashed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.6), dpi=160, layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log")
    for way in ways:
        measured, extended = results[way.name]["measured"], results[way.name]["extended"]
        axes.plot(*zip(*measured.items(), strict=True), color=way.colour, marker=way.marker, linewidth=2)
        if extended:
            last = max(measured)
            onward = {last: measured[last]} | extended
            style = {"color": way.colour, "marker": way.marker, "markerfacecolor": "white", "linewidth": 2}
            axes.plot(*zip(*onward.items(), strict=True), linestyle="--", zorder=1, **style)
        end = max(measured | extended)
        value = (measured | extended)[end]
        shown = f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
        note = f"{way.name}, {shown} s" + (" (extended)" if extended else "")
        axes.annotate(
            note, (end, value), xytext=(0, 8), textcoords="offset points", ha="right", color=way.colour, weight="bold"
        )
    axes.set_xticks(COUNTS, [f"{count:,}" for count in COUNTS])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("categories", color=INK)
    axes.set_ylabel("seconds a picture", color=INK)
    axes.margins(y=0.12)
    axes.grid(color="#e6ebf1")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(where, fontsize=9, color=MUTED, loc="left")
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Draw time against the number of categories for ITC, ITM and ITTA.")
    parser.add_argument("--output", type=Path, default=Path("assets"), help="folder of the figure (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="of the processor (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="for a curve, roughly (%(default)s)")
    parser.add_argument(
        "--processor-time", action="store_true", help="what the processor worked: for a machine that does other things"
    )
    parser.add_argument("--quick", action="store_true", help="tiny models and few seconds: is all in order?")
    args = parser.parse_args(arguments)
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    clock = time.process_time if args.processor_time else time.perf_counter
    seconds = min(args.seconds, 2) if args.quick else args.seconds
    results: dict[str, dict[str, dict[int, float]]] = {}
    ways: list[Way] = []
    with torch.inference_mode():
        ways.append(contrast(*((1, 64, 32) if args.quick else (12, 768, 224))))
        ways.append(match(*((1, 64, 32) if args.quick else (12, 768, 384))))
        ways.append(align(QUICK if args.quick else FULL))
        for way in ways:
            taken = measure(way, clock, 1 if args.quick else args.rounds, seconds)
            results[way.name] = {"measured": taken, "extended": extend(taken)}
            print(json.dumps({way.name: results[way.name]}), flush=True)
    here = machine()
    kind = "processor time" if args.processor_time else "medians"
    where = f"{here['processor']}, {args.threads} thread{'s' * (args.threads > 1)}, float32, {kind}"
    paths = [args.output / f"figure7.{ending}" for ending in ("png", "svg")]
    draw(results, ways, where, paths)
    print(json.dumps({"machine": here, "files": [path.name for path in paths]}))


if __name__ == "__main__":
    main()
