"""The error codes and bodies of the platform, in one place.

Two layers, as the platform has them: an `ApiError` refuses a whole call with an HTTP status, a
`RowError` refuses one record. A single-record call turns a row error into an API error with status 400;
collections list it in a 200. Request bodies name the code `errorCode`, row results name it `statusCode`.
Source: REST API Developer Guide, Status Codes and Error Responses [D]; Partner WSDL StatusCode,
ExceptionCode [R].
"""

from dataclasses import dataclass
from typing import Any

RowErrors = tuple["RowError", ...]


@dataclass(frozen=True, slots=True)
class RowError:
    """Why one record was refused."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    extra: tuple[tuple[str, Any], ...] = ()

    def as_result(self) -> dict[str, Any]:
        """Return the form used inside collections results."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}

    def as_body(self) -> dict[str, Any]:
        """Return the form used as the body of a refused single-record call; with extra keys none has fields."""
        body: dict[str, Any] = {**dict(self.extra), "message": self.message, "errorCode": self.code}
        return body if self.extra else {**body, "fields": list(self.fields)}


class ApiError(Exception):
    """A whole call refused: an HTTP status and a body."""

    def __init__(
        self, status: int, code: str, message: str, *, fields: tuple[str, ...] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.body: Any = [{"message": message, "errorCode": code}]
        if fields is not None:
            self.body[0]["fields"] = list(fields)

    @classmethod
    def with_body(cls, status: int, body: object) -> "ApiError":
        """Return an error whose body is not the usual one-element list."""
        error = cls(status, "", "")
        error.body = body
        return error


class RowRefusedError(Exception):
    """Carries a row error out of the rules to whoever saves the row."""

    def __init__(self, code: str, message: str, *fields: str) -> None:
        super().__init__(f"{code}: {message}")
        self.error = RowError(code, message, fields)


class UncoercibleError(Exception):
    """A JSON value that the platform's parser cannot turn into the field's type; fails the whole request."""

    def __init__(self, wanted: str, value: object, key: str) -> None:
        super().__init__(f"{key}: not a {wanted}")
        self.wanted = wanted
        self.value = value
        self.key = key


def not_found(message: str = "The requested resource does not exist") -> ApiError:
    """Return the 404 of an unknown resource or a missing record."""
    return ApiError(404, "NOT_FOUND", message)


def entity_is_deleted() -> ApiError:
    """Return the 404 of a write to a deleted record."""
    return ApiError(404, "ENTITY_IS_DELETED", "entity is deleted", fields=())


def bad_field(name: str, sobject: str) -> ApiError:
    """Return the 400 of a column that the object does not have."""
    return ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}")


def from_rows(errors: RowErrors, status: int = 400) -> ApiError:
    """Return the error of a single-record call whose row was refused."""
    return ApiError.with_body(status, [error.as_body() for error in errors])


ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)
HALTED = RowError(
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)
