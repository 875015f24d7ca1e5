"""The tags of one photo, by kind, each with a verdict and a number; a slider shows more or fewer of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from demo.core.exports import export_table, score_row
from demo.core.listed_tags import MAX_SHIFT, NEXT_BEST, ListedTag, by_kind, list_tags
from demo.core.photos import Photo
from demo.core.shown_tags import tag_list
from demo.core.texts import Text, say
from demo.core.verdicts import FACTOR
from demo.views.render import render
from ram.prediction import TagScore

SHOWN_TAGS = 15
"""Tags listed at once; further ones unfold."""
SHOWN_IF_UNLIKE = 5
"""Tags listed at once of a photo that is unlike those of training."""


def tags(
    photo: Photo, chosen: str = "", edited: Mapping[str, TagScore] | None = None, without: Collection[str] = ()
) -> str:
    """Tags over their thresholds and the next best, by kind; tags.js shows more or fewer of them.

    A photo that is unlike those the model was taught on gets a badge and a shorter list.

    Args:
        photo: that a model has tagged.
        chosen: the tag that is marked; the first where it is empty.
        edited: scores of tags with edited sentences, by tag; they replace those of the photo.
        without: tags that stand among the typed categories: they have no row, but count and are downloaded.
    """
    assert photo.prediction is not None
    prediction = photo.prediction
    everything = list_tags(prediction, edited)
    listed = list_tags(prediction, edited, without) if without else everything
    present = [one for one in everything if one.score.present]
    first = next((one.tag for one in listed if one.score.present), "")
    shown_at_once = SHOWN_IF_UNLIKE if prediction.unlike else SHOWN_TAGS
    shown = {one.tag for one in listed if (one.score.present and one.rank < shown_at_once) or one.next_best}
    rows = [{"tag": one.tag, **score_row(one.score)} for one in everything if one.score.present or one.next_best]
    return render(
        "tags", "tags", groups=by_kind(listed), present=present, shown=shown, total=len(prediction),
        seconds=photo.tagged_in, chosen=chosen or first, unlike=prediction.unlike,
        shown_at_once=shown_at_once, next_best=0 if prediction.unlike else NEXT_BEST, most=MAX_SHIFT,
        factor=round(FACTOR), spoken=_spoken(present, prediction.unlike),
        files=export_table("tags", rows), elsewhere=[one.margin for one in everything if one.tag in without],
        folded=sum(one.score.present for one in listed) - shown_at_once,
    )  # fmt: skip


def _spoken(present: Sequence[ListedTag], unlike: bool) -> Text:
    """Text for screen readers about a new photo: the tags over their thresholds."""
    text = say("no_tags_spoken")
    if present:
        count = say("tags_counted", count=len(present))
        text = say("tags_spoken", count=count, tags=tag_list([one.tag for one in present]))
    return say("after_warning", warning=say("unlike"), text=text) if unlike else text


def no_tags() -> str:
    """Render the placeholder of the tags before there is a photo."""
    return render("tags", "no_tags")
