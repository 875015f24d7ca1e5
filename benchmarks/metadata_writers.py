"""Writers of tags: what each changes besides the tag, what it refuses, and how long it takes.

    python -m benchmarks.metadata_writers SIDECARS PHOTOS [--exiftool PROGRAM]

A tag is added to each XMP file of SIDECARS and to each JPEG of PHOTOS, in copies, and taken out again: by the package
(expat for sidecars, exiv2 for photos), by exiv2 (`pyexiv2`) and by ExifTool (`pyexiftool` and the program), where they
are installed. Counted are the files that are equal to the byte afterwards, and those whose pixels are.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from ram.errors import RamError
from ram.library.embedded import EmbeddedTags
from ram.library.sidecars import Sidecars

TAG = "benchmark tag"
RECORD = {"model": "benchmark", "tags": [TAG], "scores": [{"tag": TAG}]}
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
SUBJECT, KEYWORDS = "Xmp.dc.subject", "Iptc.Application2.Keywords"
Work = Callable[[Path], object]


@contextmanager
def writers(program: str) -> Iterator[dict[str, tuple[Work, Work]]]:
    """Return two functions for each writer: one adds the tag to a file, the other removes it."""

    def own(photo: bool) -> tuple[Work, Work]:
        writer = EmbeddedTags() if photo else Sidecars()
        # the photo of "IMG.jpg.xmp" is "IMG.jpg"
        of = (lambda path: path) if photo else (lambda path: path.with_suffix(""))
        return lambda path: writer.add(of(path), RECORD), lambda path: writer.undo(of(path))

    found: dict[str, tuple[Work, Work]] = {"ram, sidecars": own(False)}
    try:
        import pyexiv2

        pyexiv2.set_log_level(4)

        def exiv2(adding: bool) -> Work:
            def change(path: Path) -> None:
                with pyexiv2.Image(str(path)) as image:
                    tags = [tag for tag in image.read_xmp().get(SUBJECT, []) if tag != TAG]
                    image.modify_xmp({SUBJECT: [*tags, TAG] if adding else tags or None})
                    if path.suffix != ".xmp":
                        words = [word for word in image.read_iptc().get(KEYWORDS, []) if word != TAG]
                        image.modify_iptc({KEYWORDS: [*words, TAG] if adding else words or None})

            return change

        found |= {"ram, photos": own(True), "exiv2": (exiv2(True), exiv2(False))}
    except ImportError:
        print("pyexiv2 is not installed")
    try:
        import exiftool
    except ImportError:
        print("pyexiftool is not installed")
        yield found
        return
    with exiftool.ExifToolHelper(executable=program) as helper:

        def by_exiftool(sign: str) -> Work:
            def change(path: Path) -> None:
                fields = ["XMP-dc:Subject"] + ["IPTC:Keywords"] * (path.suffix != ".xmp")
                given = [f"-{field}{sign}={TAG}" for field in fields]
                helper.execute(*given, "-overwrite_original", str(path))

            return change

        yield found | {"ExifTool": (by_exiftool("+"), by_exiftool("-"))}


def measure(name: str, files: list[Path], add: Work, remove: Work) -> str:
    """A line on one writer: files that end as they began, and those that it does not change."""
    same = pixels = failed = 0
    seconds = [0.0, 0.0]
    for path in files:
        before, picture = path.read_bytes(), _pixels(path)
        start = time.perf_counter(), time.process_time()
        try:
            add(path)
            done = any(TAG.encode(encoding) in path.read_bytes() for encoding in ENCODINGS)
            remove(path)
        except (RamError, RuntimeError, ValueError, OSError, UnicodeError) as error:
            done = False
            print(f"  {name}: {path.name}: {str(error)[:80]!r}") if failed < 2 else None
        except Exception as error:  # of ExifTool's package, which has its own
            done = False
            print(f"  {name}: {path.name}: {type(error).__name__}") if failed < 2 else None
        seconds = [now + after - first for now, after, first in
                   zip(seconds, (time.perf_counter(), time.process_time()), start, strict=True)]  # fmt: skip
        failed += not done
        same += path.read_bytes() == before
        pixels += picture is not None and _pixels(path) == picture
        path.write_bytes(before)
    clock, processor = (1000 * value / len(files) for value in seconds)
    shown = f", pixels equal {pixels}" if files[0].suffix != ".xmp" else ""
    return (
        f"{name}: equal to the byte {same} of {len(files)}{shown}, failed {failed}, "
        f"{clock:.1f} ms a file by the clock, {processor:.1f} ms of this process"
    )


def _pixels(path: Path) -> str | None:
    if path.suffix == ".xmp":
        return None
    with Image.open(path) as image:
        return hashlib.sha256(image.tobytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sidecars", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--exiftool", default="exiftool", metavar="PROGRAM")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, writers(args.exiftool) as found:
        for kind, given in (("*.xmp", args.sidecars), ("*.jpg", args.photos)):
            files = [Path(shutil.copy(path, folder)) for path in sorted(given.glob(kind))]
            print(f"{len(files)} files {kind}")
            for name, (add, remove) in found.items():
                if name != ("ram, photos" if kind == "*.xmp" else "ram, sidecars"):
                    print(measure(name, files, add, remove), flush=True)


if __name__ == "__main__":
    main()
