"""Images of one source, each with some of its rows, as one: what rejects of a whole are written from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from sfsync.core.plans.plan import SourceImage
from sfsync.core.reading.quoting import Runs, add_run, marks_at


def with_rows_of(image: SourceImage, ordinals: Collection[int]) -> SourceImage:
    """The image with those of its rows alone."""
    kept = sorted(each for each in ordinals if each in image.rows)
    return replace(
        image,
        rows={each: image.rows[each] for each in kept},
        quotes=_runs([(each, marks_at(image.quotes, each)) for each in (0, *kept)]),
        types=_runs([(each, marks_at(image.types, each)) for each in (0, *kept)]),
    )


def merged_image(images: Sequence[SourceImage]) -> SourceImage:
    """One image with the rows of all, in the order of their source."""
    by_row = {ordinal: image for image in images for ordinal in image.rows}
    kept = sorted(by_row)
    if len(images) == 1:
        return images[0]
    first = images[0]
    return replace(
        first,
        rows={each: by_row[each].rows[each] for each in kept},
        quotes=_runs(_marks(first.quotes, ((each, by_row[each].quotes) for each in kept))),
        types=_runs(_marks(first.types, ((each, by_row[each].types) for each in kept))),
    )


def _marks(header: Runs, rows: Iterable[tuple[int, Runs]]) -> list[tuple[int, str]]:
    return [(0, marks_at(header, 0)), *((ordinal, marks_at(runs, ordinal)) for ordinal, runs in rows)]


def _runs(marks: Iterable[tuple[int, str]]) -> Runs:
    runs: list[tuple[int, str]] = []
    for ordinal, each in marks:
        add_run(runs, ordinal, each)
    return tuple(runs)
