"""Caption metrics that run in Java, from the jars of pycocoevalcap: PTB tokenizer, METEOR and SPICE.

Every process has a time limit and gets its input through a pipe or a temporary folder; nothing is downloaded.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from statistics import mean

from ram.errors import InputError

PTB_JAR, METEOR_JAR, SPICE_JAR = "tokenizer/stanford-corenlp-3.4.1.jar", "meteor/meteor-1.5.jar", "spice/spice-1.0.jar"
SPICE_PARSERS = ("spice/lib/stanford-corenlp-3.6.0.jar", "spice/lib/stanford-corenlp-3.6.0-models.jar")
"""Further jars that SPICE needs; pycocoevalcap does not include them."""
START_SECONDS, SENTENCE_SECONDS, SCENE_SECONDS = 600.0, 0.5, 5.0
"""Time limits of a process: to start, for each sentence, and for each sentence that SPICE parses. METEOR reads its
paraphrases for 10 s, on a busy machine for minutes."""
UTF_8 = "-Dfile.encoding=UTF-8"


def find_java() -> str | None:
    """Path of the program java, None where there is none."""
    return shutil.which("java")


def ptb_tokens(java: str, sentences: Sequence[str]) -> list[str]:
    """Split sentences into Penn Treebank tokens, in lower case, joined by spaces; punctuation is left in.

    Raises:
        InputError: Java fails or takes too long.
    """
    command = [java, UTF_8, "-cp", str(_jar(PTB_JAR)), "edu.stanford.nlp.process.PTBTokenizer"]
    lines = "".join(f"{' '.join(sentence.split())}\n" for sentence in sentences)
    limit = START_SECONDS + SENTENCE_SECONDS * len(sentences)
    out = _run([*command, "-preserveLines", "-lowerCase", "-encoding", "UTF-8"], lines, limit)
    found = out.split("\n")[:-1]
    if len(found) != len(sentences):
        raise InputError(f"Java's tokenizer returned {len(found)} of {len(sentences)} captions: {_WITHOUT}")
    return found


def meteor(java: str, captions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Compute METEOR 1.5 of tokenized captions, a fraction.

    Raises:
        InputError: Java fails or takes too long.
    """
    command = [java, UTF_8, "-Xmx2G", "-jar", str(_jar(METEOR_JAR)), "-", "-", "-stdio", "-l", "en", "-norm"]
    limit = START_SECONDS + SENTENCE_SECONDS * len(captions)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        timer = threading.Timer(limit, process.kill)
        timer.start()
        try:
            statistics = []
            for caption, texts in zip(captions, references, strict=True):
                fields = [*texts, caption.replace("|||", "").replace("  ", " ")]
                process.stdin.write(f"SCORE ||| {' ||| '.join(fields)}\n")
                process.stdin.flush()
                statistics.append(process.stdout.readline().strip())
            process.stdin.write(f"EVAL ||| {' ||| '.join(statistics)}\n")
            process.stdin.flush()
            scores = [float(process.stdout.readline()) for _ in range(len(captions) + 1)]
        except (OSError, ValueError):
            raise InputError(f"METEOR failed in Java, or took over {limit:.0f} s: {_WITHOUT}") from None
        finally:
            timer.cancel()
            process.kill()
            with suppress(OSError):  # what is not written yet has nowhere to go
                process.stdin.close()
    return scores[-1]


def has_spice() -> bool:
    """Whether the jars of SPICE are here."""
    return all(_jar(name).is_file() for name in (SPICE_JAR, *SPICE_PARSERS))


def spice(java: str, captions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Compute SPICE of tokenized captions, the mean F1 of their scene graphs.

    Raises:
        InputError: Java fails or takes too long.
    """
    pairs = enumerate(zip(captions, references, strict=True))
    asked = [{"image_id": i, "test": caption, "refs": list(texts)} for i, (caption, texts) in pairs]
    with tempfile.TemporaryDirectory() as folder:
        given, written = Path(folder, "in.json"), Path(folder, "out.json")
        given.write_text(json.dumps(asked), encoding="utf-8")
        command = [java, UTF_8, "-Xmx8G", "-jar", str(_jar(SPICE_JAR)), str(given), "-out", str(written), "-subset"]
        scenes = sum(len(texts) + 1 for texts in references)
        _run([*command, "-silent"], "", START_SECONDS + SCENE_SECONDS * scenes)
        try:
            results = json.loads(written.read_text(encoding="utf-8"))
            scores = [result["scores"]["All"]["f"] for result in results]
            return mean(float(score) for score in scores if score is not None and score == score)  # some are NaN
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(f"SPICE left no scores: {_WITHOUT}") from None


_WITHOUT = "check Java, or use --tokenizer words"


def _jar(name: str) -> Path:
    package = find_spec("pycocoevalcap")
    assert package is not None and package.submodule_search_locations is not None
    return Path(next(iter(package.submodule_search_locations)), name)


def _run(command: Sequence[str], text: str, limit: float) -> str:
    """Standard output of a Java program that reads a text."""
    try:
        done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", timeout=limit, check=True)
    except subprocess.TimeoutExpired:
        raise InputError(f"a Java program took over {limit:.0f} s: {_WITHOUT}") from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or [f"exit status {error.returncode}"])[-1]
        raise InputError(f"a Java program failed ({last[:200]}): {_WITHOUT}") from None
    except OSError as error:
        raise InputError(f"Java cannot be started ({error.strerror}): {_WITHOUT}") from None
    return done.stdout
