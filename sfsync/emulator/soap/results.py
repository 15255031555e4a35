"""The result elements that several operations share, and the limits on what one call may carry.

Source: Partner WSDL, Error and the result types [D].
"""

from sfsync.emulator.errors import RowError
from sfsync.emulator.rules.saving import Outcome
from sfsync.emulator.soap.faults import SoapFaultError
from sfsync.emulator.soap.xml_reading import Node
from sfsync.emulator.soap.xml_writing import Elements


def error_elements(outcome: Outcome) -> Elements:
    """Return one `errors` element for each reason."""
    return [("errors", _error(error)) for error in outcome.errors]


def _error(error: RowError) -> Elements:
    fields = [("fields", name) for name in error.fields]
    return [*fields, ("message", error.message), ("statusCode", error.code)]


def rows_of(operation: Node, name: str, *, most: int, code: str) -> list[Node]:
    """Return the rows that an operation carries.

    Raises: SoapFaultError when there are too many.
    """
    rows = [node for node in operation.children if node.name == name]
    if len(rows) > most:
        raise SoapFaultError(code, f"{operation.name} takes at most {most} {name} in one call")
    return rows
