"""Build the page without a server into a folder: our files, a model as ONNX, and onnxruntime-web from npm.

    python -m web.build dist --model ram-lite
    python -m http.server --directory dist

npm fetches the runtime, whose version and digest are pinned here; nothing of it is in this repository. Weights are
stored in float16, those of the text encoder in int8, and all large files are compressed: the page unpacks them. The
predefined bank is a constant of a graph of its own, so that what no photo changes is computed once.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np

import ram
from ram.errors import InputError
from ram.export.onnx_folder import export_onnx
from ram.export.onnx_precision import fix_inputs, store_bytes, store_half

PAGE = Path(__file__).parent / "page"
RUNTIME = "onnxruntime-web@1.30.0"
INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Digest of the package that npm has under this version."""
RUNTIME_FILES = {
    "ort.wasm.bundle.min.mjs": "ort.mjs",
    "ort-wasm-simd-threaded.wasm": "ort.wasm.gz",
    "ort.webgpu.bundle.min.mjs": "ort.webgpu.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm": "ort.webgpu.wasm.gz",
}
"""Files of the package to those of the page, which fetches two of them: by WASM, or with WebGPU."""


def build(target: Path, model: str, graphs: Path | None = None, package: Path | None = None) -> None:
    """Write the page.

    Args:
        target: folder to write; its files of equal names are replaced.
        model: a name or folder of a RAM or RAM++ model with MiniLM.
        graphs: what ``ram export onnx`` wrote of it in float32; it is exported where None.
        package: the archive of onnxruntime-web; npm fetches it where None.

    Raises:
        InputError: npm is missing or fails, or gives another package than the pinned one.
    """
    with tempfile.TemporaryDirectory() as temporary:
        if graphs is None:
            graphs = Path(temporary) / "graphs"
            export_onnx(ram.load(model, device="cpu", dtype="float32"), graphs, baked=False)
        target.mkdir(parents=True, exist_ok=True)
        for file in PAGE.iterdir():
            shutil.copyfile(file, target / file.name)
        unpack_runtime(package or fetch_runtime(Path(temporary)), target)
        pack_model(graphs, target / "model")
    version = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(target.rglob("*.*")) if file.is_file()))
    worker = target / "offline.js"
    worker.write_text(worker.read_text(encoding="utf-8").replace("VERSION", version.hexdigest()[:12]), encoding="utf-8")


def pack_model(graphs: Path, target: Path) -> None:
    """Write a model's graphs with small weights, its bank, its tags and its word pieces, compressed."""
    target.mkdir(exist_ok=True)
    if not (graphs / "embed.onnx").is_file():
        raise InputError(f"{graphs} has no embed.onnx: choose a model with the text encoder MiniLM")
    for name in ("look.onnx", "tags.onnx", "score.onnx", "embed.onnx"):
        plain = target / name
        shutil.copyfile(graphs / ("score.onnx" if name == "tags.onnx" else name), plain)
        if name == "tags.onnx":
            fix_inputs(plain, read_bank(graphs))
        (store_bytes if name == "embed.onnx" else store_half)(plain)
        _compress(plain.read_bytes(), target / f"{name}.gz")
        plain.unlink()
    vocabulary = json.loads((graphs / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    pieces = sorted(vocabulary, key=vocabulary.__getitem__)
    _compress("\n".join(pieces).encode(), target / "vocab.txt.gz")
    shutil.copyfile(graphs / "tags.json", target / "tags.json")


def read_bank(graphs: Path) -> dict[str, np.ndarray]:
    """The predefined bank as inputs of ``score.onnx``: (tags, descriptions, dim) embeddings and their mask."""
    counts = json.loads((graphs / "tags.json").read_text(encoding="utf-8"))["descriptions"]
    rows = np.fromfile(graphs / "bank.bin", "<f2").astype(np.float32).reshape(sum(counts), -1)
    mask = np.arange(max(counts)) < np.array(counts)[:, None]
    embeddings = np.zeros((*mask.shape, rows.shape[1]), np.float32)
    embeddings[mask] = rows
    return {"embeddings": embeddings, "mask": mask}


def fetch_runtime(folder: Path) -> Path:
    """Let npm fetch the runtime's archive into a folder."""
    npm = shutil.which("npm")
    if npm is None:
        raise InputError("npm was not found: install Node.js, or give the archive of onnxruntime-web with --package")
    ran = subprocess.run([npm, "pack", RUNTIME, "--silent"], cwd=folder, capture_output=True, text=True)
    if ran.returncode:
        raise InputError(f"npm cannot fetch {RUNTIME}: {(ran.stderr.splitlines() or ['no reason given'])[-1]}")
    return folder / ran.stdout.split()[-1]


def unpack_runtime(package: Path, target: Path) -> None:
    """Check the archive and copy the files that the page needs."""
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    if digest != INTEGRITY:
        raise InputError(f"{package.name} has another digest than the pinned {RUNTIME}: fetch it again")
    with tarfile.open(package) as archive:
        for name, ours in RUNTIME_FILES.items():
            member = archive.extractfile(f"package/dist/{name}")
            assert member is not None
            content = member.read()
            if ours.endswith(".gz"):
                _compress(content, target / ours)
            else:
                (target / ours).write_bytes(content)


def _compress(content: bytes, target: Path) -> None:
    target.write_bytes(gzip.compress(content, 9, mtime=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path, help="the folder to write")
    parser.add_argument("--model", default="ram-lite")
    parser.add_argument("--graphs", type=Path, help="what `ram export onnx` wrote, in place of exporting the model")
    parser.add_argument("--package", type=Path, help="archive of onnxruntime-web, in place of fetching it")
    args = parser.parse_args()
    try:
        build(args.target, args.model, args.graphs, args.package)
    except InputError as error:
        parser.exit(2, f"web.build: {error}\n")
    size = sum(file.stat().st_size for file in args.target.rglob("*") if file.is_file())
    print(f"{args.target} holds the page, {size / 1e6:.1f} MB in all")


if __name__ == "__main__":
    main()
