"""Plans how one level's SELECT becomes records: which columns to fetch, and where each value goes.

A plan is a tree like the records themselves: fields, parents as nested records, children as nested results.
Planning confirms every name; shaping afterwards only moves values, so a hundred thousand rows stay cheap.
Invariant: keys stand in SELECT order, spelled as describe spells them; a missing parent is null.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from sfsync.emulator.soql.catalogue import Catalogue
from sfsync.emulator.soql.json_values import Convert
from sfsync.emulator.soql.result import Nest, Record, RecordList
from sfsync.emulator.soql.scope import Table

Row = tuple[Any, ...]
Fill = Callable[[Row], Any]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of a record: the column it is fetched in, and how it is shown."""

    index: int
    type: str
    is_custom: bool
    convert: Convert | None
    is_aggregate: bool = False

    def fill(self) -> Fill:
        """Return the function that takes this value out of a row."""
        if self.convert is None:
            return itemgetter(self.index)
        convert, index = self.convert, self.index
        return lambda row: convert(row[index])


@dataclass(slots=True)
class RecordPlan:
    """One record: its own (the level's root) or a parent's."""

    table: Table
    id_index: int
    entries: "dict[str, Leaf | RecordPlan | ChildSlot]" = field(default_factory=dict)

    def shaper(self, catalogue: Catalogue) -> Callable[[Row], Record | None]:
        """Return the function that makes the record of a row; None when the row has no such parent."""
        sobject, id_index = self.table.shape.name, self.id_index
        fills = [(key, _fill_of(entry, catalogue, id_index)) for key, entry in self.entries.items()]
        record_url = catalogue.record_url

        def shape(row: Row) -> Record | None:
            record_id = row[id_index]
            if record_id is None:
                return None
            record: Record = {"attributes": {"type": sobject, "url": record_url(sobject, record_id)}}
            for key, fill in fills:
                record[key] = fill(row)
            return record

        return shape


@dataclass(slots=True)
class ChildSlot:
    """The place of a child subquery; its rows are put in, by parent id, once they are fetched."""

    plan: RecordPlan
    show: Nest
    rows_by_parent: dict[str, list[Row]] = field(default_factory=dict)

    def fill(self, catalogue: Catalogue, id_index: int) -> Fill:
        """Return the function that makes the nested result of a parent's row; None without children."""
        shape = _existing(self.plan.shaper(catalogue))

        def nest(row: Row) -> Record | None:
            rows = self.rows_by_parent.get(row[id_index])
            if not rows:
                return None
            return self.show(RecordList(rows, shape))

        return nest


def record_list(rows: Sequence[Row], plan: RecordPlan, catalogue: Catalogue) -> RecordList:
    """Return the rows as records that are built when they are read."""
    return RecordList(rows, _existing(plan.shaper(catalogue)))


def _fill_of(entry: "Leaf | RecordPlan | ChildSlot", catalogue: Catalogue, id_index: int) -> Fill:
    match entry:
        case Leaf():
            return entry.fill()
        case RecordPlan():
            return entry.shaper(catalogue)
        case ChildSlot():
            return entry.fill(catalogue, id_index)


def _existing(shape: Callable[[Row], Record | None]) -> Callable[[Row], Record]:
    def shape_existing(row: Row) -> Record:
        record = shape(row)
        assert record is not None, "the level's own rows have ids"
        return record

    return shape_existing
