"""Words a refused query as the platform words it: a code, and a message that points into the statement.

Parsing and translating raise QueryFault, which knows an offset; `run_query` alone turns it into the SoqlError
that callers see, because it alone holds the whole text. Nothing else leaves the engine, whatever the text.
The layout is fixed by clients that print it: line, caret, row and column (from 1), sentence.
"""

from typing import Final

# The platform shows some thirty characters before the place and some forty after it [R].
_CHARS_BEFORE: Final = 30
_CHARS_AFTER: Final = 42


class SoqlError(Exception):
    """A query refused: `code` is the platform's errorCode, `message` its text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class QueryFault(Exception):
    """What is wrong with a query, and where; `offset` is None for faults the platform does not place."""

    def __init__(self, code: str, reason: str, *, offset: int | None = None) -> None:
        super().__init__(code, reason, offset)
        self.code = code
        self.reason = reason
        self.offset = offset

    def within(self, text: str) -> SoqlError:
        """Return the error to show for this fault in the statement `text`.

        Source: bodies recorded from real orgs for unknown columns [R].
        """
        if self.offset is None:
            return SoqlError(self.code, self.reason)
        offset = min(self.offset, len(text))
        row = text.count("\n", 0, offset) + 1
        line_start = text.rfind("\n", 0, offset) + 1
        line_end = text.find("\n", offset)
        line_end = len(text) if line_end < 0 else line_end
        shown_from = max(line_start, offset - _CHARS_BEFORE)
        line = text[shown_from : min(line_end, offset + _CHARS_AFTER)]
        caret = " " * (offset - shown_from) + "^"
        place = f"ERROR at Row:{row}:Column:{offset - line_start + 1}"
        return SoqlError(self.code, f"\n{line}\n{caret}\n{place}\n{self.reason}")


def malformed(reason: str, *, offset: int | None = None) -> QueryFault:
    """Build a MALFORMED_QUERY fault."""
    return QueryFault("MALFORMED_QUERY", reason, offset=offset)


def invalid_field(reason: str, *, offset: int | None = None) -> QueryFault:
    """Build an INVALID_FIELD fault."""
    return QueryFault("INVALID_FIELD", reason, offset=offset)
