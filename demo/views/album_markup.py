"""HTML of an album: how far it is, its photos with their tags and thumbs, and one category over its photos."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

from demo.core.album import Album, AlbumPhoto, Thumbs
from demo.core.album_thresholds import Thresholds
from demo.core.winners import Winners, Won
from demo.views.save_links import plot_downloads, table_downloads
from ram.prediction import TagScore
from ram.text.vocabulary import TagVocabulary

PAGE = 24
"""Photos listed at once."""
MOST_TAGS, NEXT_BEST = 12, 3
"""Tags of a photo that are listed over their thresholds, and below them."""
FAULTS_SHOWN = 5

_THUMB = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M2 10h4v11H2zM8 21V10l5-8c1.7 0 2.6 1 2.6 2.6L14.6 9H20'
    'c1.4 0 2.3 1.2 2 2.5l-1.8 7.8c-.2 1-1.1 1.7-2.2 1.7z"/></svg>'
)


def progress(album: Album, running: bool) -> str:
    """How far it is, how long it will take, and what was left out and why."""
    tagged = f"{len(album.photos)} {'photo' if len(album.photos) == 1 else 'photos'} tagged"
    if running:
        left = album.seconds_left
        soon = "nearly done" if left is not None and left < 1 else left and f"about {duration(left)} left"
        said = f"{album.done} of {album.total}" + (f", {soon}" if soon else "")
    elif album.done < album.total:
        said = f"Stopped after {album.done} of {album.total}: {tagged}, and what is done stays"
    else:
        said = f"{tagged} in {duration(album.seconds)}"
    bar = (
        f'<progress max="{album.total}" value="{album.done}" aria-label="Photos tagged"></progress>' if running else ""
    )
    heard = "" if running else " data-said"
    return f'<div class="album-progress"><p{heard}>{said}.</p>{bar}</div>{_faults(album.faults)}'


def duration(seconds: float) -> str:
    """ "under a second", "4 s" or "3 min 20 s"."""
    if seconds < 1:
        return "under a second"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def table(album: Album, vocabulary: TagVocabulary, places: Sequence[int], page: int, thumbs: Thumbs) -> str:
    """One page of the photos at these places, each with its tags and a thumb up and down for each of those."""
    if not album.photos:
        return ""
    if not places:
        return '<p class="hint" data-said>No photo shows all of these tags over their thresholds.</p>'
    pages = -(-len(places) // PAGE)
    page = min(max(page, 0), pages - 1)
    rows = "".join(_photo(album, place, vocabulary, thumbs) for place in places[page * PAGE : page * PAGE + PAGE])
    count = f"{len(places)} {'photo' if len(places) == 1 else 'photos'}"
    return f"""<table class="album" aria-label="Photos and their tags"><caption>{count}</caption>
<thead><tr><th scope="col">Photo</th><th scope="col">Tags, and whether they are right</th></tr></thead>
<tbody>{rows}</tbody></table>{_pages(page, pages)}"""


def chosen_thresholds(thresholds: Thresholds) -> str:
    """The thresholds of single tags, each to be taken back."""
    chips = "".join(
        f'<li><span>{escape(tag)} {value:.2f}</span><button type="button" data-untag="{escape(tag)}" '
        f'aria-label="Take back the threshold of {escape(tag)}">×</button></li>'
        for tag, value in thresholds.single.items()
    )
    return chips and f'<ul class="singles" aria-label="Thresholds of single tags">{chips}</ul>'


def calibration(own: TagVocabulary, moved: Mapping[str, float], thumbs: Thumbs) -> str:
    """Which thresholds the thumbs have moved, from what to what."""
    ups = sum(thumbs.values())
    given = f"{ups} up and {len(thumbs) - ups} down"
    if not moved:
        return f'<p class="hint" data-said>{given}: all of them agree with the thresholds, so none moved.</p>'
    rows = [{"tag": tag, "before": own.thresholds[own.id(tag)], "after": after} for tag, after in moved.items()]
    cells = "".join(
        f'<tr><th scope="row">{escape(tag)}</th><td>{own.thresholds[own.id(tag)]:.2f}</td><td>{after:.2f}</td></tr>'
        for tag, after in moved.items()
    )
    return f"""<table class="plain" aria-label="Thresholds moved by thumbs"><caption>{given} moved
{len(moved)} of {len(own):,} thresholds</caption><thead><tr><th scope="col">Tag</th><th scope="col">Before</th>
<th scope="col">After</th></tr></thead><tbody>{cells}</tbody></table>{table_downloads("calibration", rows)}"""


def winners(found: Winners) -> str:
    """A row a photo: how probable the category is there, and which description won; and the plot of all weights."""
    from demo.views.album_plots import weights_figure  # matplotlib: not needed for the page to open
    from demo.views.plots import to_svg

    groups = "".join(_group(kind, of_it, found) for kind, of_it in found.telling().items())
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in found.sentences)
    category = escape(found.category)
    return f"""<h3>{category}</h3><p class="hint" data-said>{_scored(found)}</p>
<table class="plain winners" aria-label="{category} in each photo"><thead><tr><th scope="col">Photo</th>
<th scope="col">Probability</th><th scope="col">Description that won</th></tr></thead>{groups}</table>
{table_downloads(f"{found.category} by photo", found.rows(), f"all {len(found.photos)} rows")}
<figure class="comparison" aria-label="Weights of the descriptions of {category} in each photo">
<div class="wide">{to_svg(weights_figure(found))}</div><div class="narrow">{to_svg(weights_figure(found, 230))}</div>
<figcaption>The weight of each description in each photo, the winner in full colour; the probability stands under the
photo's name.</figcaption>{plot_downloads(f"weights of {found.category}")}</figure>
<details class="more"><summary>{len(found.sentences)} descriptions</summary>
<ol class="numbered">{sentences}</ol></details>"""


def _scored(found: Winners) -> str:
    """How many photos were scored, how many of them pass, which are shown, and which could not be scored."""
    groups = found.telling()
    count = "1 photo was" if len(found.photos) == 1 else f"{len(found.photos)} photos were"
    said = f"{count} scored: {found.over or 'none'} over the threshold of {found.photos[0].score.threshold:.2f}."
    if len(groups) > 1:
        said += " Shown are " + "; ".join(f"the {len(photos)} {kind}" for kind, photos in groups.items()) + "."
    if found.left_out:
        said += f" {found.left_out} more had to make way for other visitors' photos: tag them again to score them."
    return said


def _group(kind: str, photos: Sequence[Won], found: Winners) -> str:
    """Rows of one kind, under its name where there are several kinds."""
    head = f'<tr><th scope="rowgroup" colspan="3" class="kind">{escape(kind.capitalize())}</th></tr>' if kind else ""
    rows = ""
    for won in photos:
        best = won.score.descriptions[0]
        side = "present" if won.score.present else "absent"
        rows += f"""<tr><th scope="row">{_thumbnail(won.photo)}<span>{escape(won.photo.name)}</span></th>
<td><span class="chip {side}"><b>{won.score.probability:.2f}</b></span></td>
<td>{found.sentences.index(best.text) + 1}. {escape(best.text)} <b>{best.weight:.0%}</b></td></tr>"""
    return f"<tbody>{head}{rows}</tbody>"


def _photo(album: Album, place: int, vocabulary: TagVocabulary, thumbs: Thumbs) -> str:
    photo = album.photos[place]
    prediction = album.prediction(photo, vocabulary)
    present = prediction.above()
    listed = [*present[:MOST_TAGS], *prediction.next_best(NEXT_BEST)]
    judged = [prediction[tag] for (of, tag) in thumbs if of == place and tag not in {s.tag for s in listed}]
    verdicts = "".join(_verdict(score, place, photo.name, thumbs) for score in [*listed, *judged])
    more = f'<li class="hint">{len(present) - MOST_TAGS} more</li>' if len(present) > MOST_TAGS else ""
    return f"""<tr><th scope="row">{_thumbnail(photo)}<span>{escape(photo.name)}</span></th>
<td><ul class="verdicts" aria-label="Tags of {escape(photo.name)}">{verdicts}{more}</ul></td></tr>"""


def _verdict(score: TagScore, place: int, name: str, thumbs: Thumbs) -> str:
    tag, given = escape(score.tag), thumbs.get((place, score.tag))
    buttons = "".join(
        f'<button type="button" class="{kind}" data-photo="{place}" data-tag="{tag}" data-right="{kind}" '
        f'aria-pressed="{str(given is right).lower()}" aria-label="{tag} is {word} in {escape(name)}">{_THUMB}</button>'
        for kind, word, right in (("up", "right", True), ("down", "wrong", False))
    )
    kind = "present" if score.present else "absent"
    return (
        f'<li class="chip {kind}" data-tag="{tag}" title="threshold {score.threshold:.2f}"><span>{tag}</span> '
        f"<b>{score.probability:.2f}</b>{buttons}</li>"
    )


def _thumbnail(photo: AlbumPhoto) -> str:
    coded = base64.b64encode(photo.thumbnail).decode()
    return f'<img src="data:image/jpeg;base64,{coded}" alt="" loading="lazy">'


def _pages(page: int, pages: int) -> str:
    if pages == 1:
        return ""
    buttons = "".join(
        f'<button type="button" data-key="{word}" data-page="{to}"{"" if 0 <= to < pages else " disabled"}>'
        f"{word}</button>"
        for word, to in (("Previous", page - 1), ("Next", page + 1))
    )
    return f'<nav class="pages" aria-label="Pages of photos"><span>Page {page + 1} of {pages}</span>{buttons}</nav>'


def _faults(faults: Sequence[str]) -> str:
    if not faults:
        return ""
    listed = "".join(f"<li>{escape(fault)}</li>" for fault in faults)
    opened = " open" if len(faults) <= FAULTS_SHOWN else ""
    return f"""<details class="notice problem faults"{opened}><summary>{len(faults)} left out</summary>
<ul>{listed}</ul></details>"""
