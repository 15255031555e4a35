"""Holds what one level of a statement (the query, a child subquery, a semi-join) is translated with.

A Setting belongs to the whole run, a Level to one FROM of it. Levels hide deleted rows and narrow the scope,
so that no translation can forget to.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from sfsync.emulator.soql.catalogue import Catalogue, SObjectShape
from sfsync.emulator.soql.errors import malformed
from sfsync.emulator.soql.limits import Allowance, deepest_level
from sfsync.emulator.soql.result import Nest
from sfsync.emulator.soql.scope import Scope
from sfsync.emulator.soql.sql import Sql
from sfsync.emulator.soql.statement import Query
from sfsync.emulator.soql.text_matching import is_listed


@dataclass(frozen=True, slots=True)
class Setting:
    """What every level of one run shares."""

    catalogue: Catalogue
    now: datetime
    user_id: str
    include_deleted: bool
    nest: Nest
    among: tuple[str, ...] | None = None
    allowance: Allowance = field(default_factory=Allowance)
    _numbers: Iterator[int] = field(default_factory=count)

    def open_level(
        self, query: Query, shape: SObjectShape, *, is_semi_join: bool = False, depth: int = 1
    ) -> "Level":
        """Start translating one FROM, under table aliases of its own."""
        prefix = f"t{next(self._numbers)}_"
        scope = Scope(
            shape, catalogue=self.catalogue, allowance=self.allowance, alias=query.alias, prefix=prefix
        )
        return Level(self, scope, is_semi_join, depth)


@dataclass(slots=True)
class Level:
    """One FROM while it is translated."""

    setting: Setting
    scope: Scope
    is_semi_join: bool
    depth: int

    @property
    def sobject_name(self) -> str:
        """The API name of the sObject that FROM names."""
        return self.scope.root.shape.name

    def count_semi_join(self, *, offset: int) -> None:
        """Allow one more semi-join here.

        Raises:
            QueryFault: MALFORMED_QUERY; semi-joins do not nest, and a query has at most two.
        """
        if self.is_semi_join:
            raise malformed("Nesting of semi join sub-selects is not supported", offset=offset)
        self.setting.allowance.take_semi_join(offset=offset)

    def open_child(self, query: Query, shape: SObjectShape) -> "Level":
        """Start translating a subquery in this level's SELECT.

        Raises:
            QueryFault: MALFORMED_QUERY; too many subqueries, or too deep for the version.
        """
        offset = query.source.offset
        if self.depth >= deepest_level(self.setting.catalogue.api_version):
            raise malformed("a subquery inside a subquery goes too deep for this version", offset=offset)
        self.setting.allowance.take_child(offset=offset)
        return self.setting.open_level(query, shape, depth=self.depth + 1)

    def standing_conditions(self, query: Query) -> list[Sql]:
        """Return what holds for the level's rows whatever WHERE says: not deleted, in scope."""
        root = self.scope.root
        conditions = []
        if "isdeleted" in root.shape.fields and not self.setting.include_deleted:
            conditions.append(Sql(f'{root.alias}."IsDeleted" = 0'))
        if self.setting.among is not None and self.depth == 1 and not self.is_semi_join:
            conditions.append(is_listed(root.id_column, self.setting.among))
        if query.scope == "mine":
            owner = root.shape.fields.get("ownerid")
            if owner is None:
                raise malformed(
                    f"scope 'mine' is not supported for '{root.shape.name}'", offset=query.source.offset
                )
            conditions.append(Sql(f"{root.column(owner)} = ?", (self.setting.user_id,)))
        elif query.scope not in {None, "everything"}:
            raise malformed(
                f"scope '{query.scope}' is not played by this emulator", offset=query.source.offset
            )
        return conditions
