"""The section of many photos: progress, the table of tags and thumbs, and thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from demo.core.album import Album, Thumbs
from demo.core.album_thresholds import Thresholds
from demo.core.exports import export_table
from demo.core.texts import Text, say, sentence
from demo.views.render import render
from ram.text.vocabulary import TagVocabulary

GALLERY, TABLE = "gallery", "table"
"""Forms in which the photos can be shown."""
PAGE = 24
"""Photos listed at once."""
CARD_TAGS = 6
"""Tags of a photo that are listed in the gallery."""
MAX_TAGS, NEXT_BEST = 12, 3
"""Tags of a photo that are listed over their thresholds, and below them."""
OPEN_FAULTS = 5
"""Photos left out up to which the list of them is open."""


def progress(album: Album, running: bool) -> str:
    """Render the number of photos done, the time left, and which photos were left out and why."""
    so_far = {"done": album.done, "total": album.total}
    if running:
        left = album.seconds_left
        if left is None:
            text = say("tagged_so_far", **so_far)
        elif left < 1:
            text = say("tagged_so_far_soon", **so_far)
        else:
            text = say("tagged_so_far_left", **so_far, left=duration(left))
    elif album.done < album.total:
        text = say("stopped_after", **so_far, count=len(album.photos))
    else:
        text = say("tagged_in", count=len(album.photos), duration=duration(album.seconds))
    return render(
        "album", "progress", album=album, running=running, sentence=text,
        faults=[sentence(one) for one in album.faults], open_faults=len(album.faults) <= OPEN_FAULTS,
    )  # fmt: skip


def duration(seconds: float) -> Text:
    """ "under a second", "4 s" or "3 min 20 s"."""
    if seconds < 1:
        return say("under_a_second")
    minutes, rest = divmod(round(seconds), 60)
    return say("minutes", minutes=minutes, seconds=rest) if minutes else say("seconds", seconds=rest)


def photos(
    album: Album, vocabulary: TagVocabulary, indices: Sequence[int], page: int, thumbs: Thumbs, form: str = TABLE,
    running: bool = False,
) -> str:  # fmt: skip
    """One page of the photos with these indices and their tags; a thumb overrules the threshold.

    Args:
        album: with the photos tagged so far.
        vocabulary: its tags with the thresholds to use.
        indices: of the photos to show.
        page: which page, from 0.
        thumbs: that were given.
        form: :data:`GALLERY`, or :data:`TABLE` with a thumb up and down for each tag.
        running: further photos are still being tagged, and no thumbs can be given yet.
    """
    if not album.photos:
        return ""
    if not indices:
        return render("album", "no_match")
    pages = -(-len(indices) // PAGE)
    page = min(max(page, 0), pages - 1)
    rows = [_row(album, index, vocabulary, thumbs, form) for index in indices[page * PAGE : (page + 1) * PAGE]]
    macro = "table" if form == TABLE else "gallery"
    return render("album", macro, rows=rows, count=len(indices), page=page, pages=pages, running=running)


def single_thresholds(thresholds: Thresholds) -> str:
    """The thresholds of single tags, each with a button that removes it."""
    return render("album", "single_thresholds", single=thresholds.single) if thresholds.single else ""


def calibration(own: TagVocabulary, changed: Mapping[str, float], thumbs: Thumbs) -> str:
    """Which thresholds the thumbs have changed, from what to what."""
    ups = sum(thumbs.values())
    rows = [{"tag": tag, "before": own.thresholds[own.id(tag)], "after": after} for tag, after in changed.items()]
    given = say("thumbs_given", ups=ups, downs=len(thumbs) - ups)
    files = export_table("calibration", rows)
    return render("album", "calibration", thumbs=given, rows=rows, total=len(own), files=files)


def _row(album: Album, index: int, vocabulary: TagVocabulary, thumbs: Thumbs, form: str) -> dict[str, Any]:
    """A photo's tags, most probable first; the table also has the next best and those that have a thumb."""
    photo = album.photos[index]
    prediction = album.prediction(photo, vocabulary)
    judged = {tag: right for (judged, tag), right in thumbs.items() if judged == index}
    present = prediction.above()
    if form == TABLE:
        scores = [*present[:MAX_TAGS], *prediction.next_best(NEXT_BEST)]
        rest = [score.tag for score in present[MAX_TAGS:] if score.tag not in judged]
        scores += [prediction[tag] for tag in judged if tag not in {score.tag for score in scores}]
    else:
        scores = [score for score in present if judged.get(score.tag, True)]
        scores += [prediction[tag] for tag, right in judged.items() if right and not prediction[tag].present]
        scores.sort(key=lambda score: -score.probability)
        scores, rest = scores[:CARD_TAGS], [score.tag for score in scores[CARD_TAGS:]]
    verdicts = [(score, judged.get(score.tag)) for score in scores]
    return {"index": index, "name": photo.name, "thumbnail": photo.thumbnail, "rest": rest, "verdicts": verdicts}
