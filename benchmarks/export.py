"""Compare exported ONNX graphs with the network they come from: differences, sizes, speed, and mAP of int8.

    python -m benchmarks.export --model ram-lite --folder runs/onnx
    python -m benchmarks.export --benchmark BENCHMARKS/coco128_80 --images DATA/broad      (and mAP of each precision)

Speeds are medians of runs in turns, so that other load slows all alike; compare ratios. int8 is calibrated by the first
photos of ``--calibration``, or by the example photos of the repository.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from packaging.requirements import Requirement

import ram
from benchmarks.measuring import in_turns, machine
from ram.evaluation.benchmarks import load_benchmark
from ram.evaluation.metrics import mean_average_precision
from ram.evaluation.tag_banks import bank_for, names_in
from ram.export.onnx_folder import export_onnx
from ram.export.onnx_precision import quantize, store_half
from ram.images.opening import open_image
from ram.tagger import Tagger
from ram.text.descriptions import TagDescriptions

EXAMPLES = sorted((Path(__file__).parents[1] / "assets" / "examples").glob("*.jpg"))
NEEDED = ("numpy", "onnxruntime", "pillow")
"""Packages that the module ram_onnx imports."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="ram-plus-lite")
    parser.add_argument("--folder", type=Path, default=Path("runs/onnx"), help="where the graphs are written")
    parser.add_argument("--again", action="store_true", help="export even where the graphs are there")
    parser.add_argument("--calibration", type=Path, help="folder of photos")
    parser.add_argument("--benchmark", type=Path, help="tags and annotations to measure mAP on")
    parser.add_argument("--images", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tagger = ram.load(args.model, device="cpu", dtype="float32")
    folders = {name: args.folder / args.model / name for name in ("float32", "float16", "int8")}
    if args.again or not (folders["float32"] / "tags.json").is_file():
        export_onnx(tagger, folders["float32"])
    photos = sorted(args.calibration.glob("*.jpg"))[:64] if args.calibration else EXAMPLES
    derive(tagger, folders, photos)
    report: dict[str, Any] = {"model": tagger.name, **machine(), "installed_mb": round(installed() / 1e6, 1)}
    for name, folder in folders.items():
        report[name] = {file.name: round(file.stat().st_size / 1e6, 1) for file in sorted(folder.glob("*.onnx"))}
    report["largest difference"] = differences(tagger, folders)
    report["seconds"] = speeds(tagger, folders, args.rounds, args.threads)
    times = report["seconds"]
    report["times as fast"] = {name: round(times["eager"] / taken, 2) for name, taken in times.items()}
    if args.benchmark is not None:
        report["mAP"] = precisions(tagger, folders, args.benchmark, args.images)
    print(json.dumps(report, indent=1))


def derive(tagger: Tagger, folders: dict[str, Path], photos: list[Path]) -> None:
    """Make the other precisions of the graphs that photos go through."""
    pixels = [tagger.transform(open_image(photo))[None].numpy() for photo in photos]
    for name in ("look.onnx", "score.onnx", "embed.onnx", "model.onnx"):
        whole = folders["float32"] / name
        if not whole.is_file():
            continue
        folders["float16"].mkdir(parents=True, exist_ok=True)
        (folders["float16"] / name).write_bytes(whole.read_bytes())
        store_half(folders["float16"] / name)
    folders["int8"].mkdir(parents=True, exist_ok=True)
    quantize(folders["float32"] / "look.onnx", folders["int8"] / "look.onnx", [{"pixels": one} for one in pixels])


def session(path: Path, threads: int = 0) -> Callable[..., list[np.ndarray]]:
    """Return a function from inputs by name to outputs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    opened = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda **inputs: opened.run(None, inputs)


def differences(tagger: Tagger, folders: dict[str, Path]) -> dict[str, dict[str, float]]:
    """Return the largest difference of tokens, logits and probabilities on the example photos."""
    pixels = torch.stack([tagger.transform(open_image(photo)) for photo in EXAMPLES])
    features = tagger.look_at_pixels(pixels)
    expected = tagger.score_batch(features, tagger.bank).logits.numpy()
    bank = tagger.bank.embedded.embeddings.float().numpy(), tagger.bank.mask.numpy()
    found: dict[str, dict[str, float]] = {}
    for name, folder in folders.items():
        tokens, *classes = session(folder / "look.onnx")(pixels=pixels.numpy())
        scores = folder if (folder / "score.onnx").is_file() else folders["float32"]
        more = {"classes": classes[0]} if classes else {}
        logits = np.concatenate([
            session(scores / "score.onnx")(
                tokens=tokens[i : i + 4], embeddings=bank[0], mask=bank[1], **{k: v[i : i + 4] for k, v in more.items()}
            )[0]
            for i in range(0, len(tokens), 4)
        ])  # fmt: skip
        found[name] = {
            "tokens": float(np.abs(tokens - features.tokens.numpy()).max()),
            "logits": float(np.abs(logits - expected).max()),
            "tags that change": int(((logits > 0) != (expected > 0)).sum()),
        }
    return found


def speeds(tagger: Tagger, folders: dict[str, Path], rounds: int, threads: int) -> dict[str, float]:
    """Return the median seconds of a photo with all predefined tags, from its pixels on."""
    pixels = tagger.transform(open_image(EXAMPLES[0]))[None]
    raw = np.random.default_rng(0).uniform(0, 255, (1, *pixels.shape[2:], 3)).astype(np.float32)
    baked = {name: session(folders[name] / "model.onnx", threads) for name in ("float32", "float16")}
    looks = {name: session(folder / "look.onnx", threads) for name, folder in folders.items()}
    ways: dict[str, Callable[[], Any]] = {
        "eager": lambda: tagger.score_batch(tagger.look_at_pixels(pixels), tagger.bank).logits.sigmoid(),
        "look, eager": lambda: tagger.look_at_pixels(pixels),
    }
    ways |= {f"model.onnx, {name}": (lambda run=run: run(pixels=raw)) for name, run in baked.items()}
    ways |= {f"look, {name}": (lambda run=run: run(pixels=pixels.numpy())) for name, run in looks.items()}
    return in_turns(ways, rounds, enough=120)


def precisions(tagger: Tagger, folders: dict[str, Path], benchmark: Path, images: Path | None) -> dict[str, float]:
    """Return the mAP of eager and of each precision's look, in percent, over the predefined tags of a benchmark."""
    loaded = load_benchmark(benchmark, images, tagger.bank.vocabulary)
    names = names_in(tagger.bank.vocabulary.tags, loaded.tags)
    columns = [index for index, name in enumerate(names) if name is not None]
    known = [loaded.tags[index] for index in columns]
    bank = bank_for(tagger, known, TagDescriptions({}))
    looks = {name: session(folder / "look.onnx") for name, folder in folders.items()}
    scores: dict[str, list[torch.Tensor]] = {name: [] for name in ("eager", *looks)}
    for photo in loaded.pictures:
        pixels = tagger.transform(open_image(photo))[None]
        features = tagger.look_at_pixels(pixels)
        scores["eager"].append(tagger.score_batch(features, bank).logits)
        for name, look in looks.items():
            tokens, *classes = map(torch.from_numpy, look(pixels=pixels.numpy()))
            of_graph = type(features)(tokens, None, classes[0] if classes else None)
            scores[name].append(tagger.score_batch(of_graph, bank).logits)
    targets = np.asarray(loaded.targets)[:, columns]
    return {
        name: round(100 * mean_average_precision(torch.cat(rows).numpy(), targets), 2) for name, rows in scores.items()
    }


def installed() -> int:
    """Bytes of the packages that tagging without torch needs, with all that they need."""
    found, asked = set(), list(NEEDED)
    while asked:
        name = asked.pop().lower().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        for line in importlib.metadata.requires(name) or ():
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                asked.append(need.name)
    files = (file for name in found for file in importlib.metadata.files(name) or ())
    return sum(path.stat().st_size for path in (Path(str(file.locate())) for file in files) if path.is_file())


if __name__ == "__main__":
    main()
