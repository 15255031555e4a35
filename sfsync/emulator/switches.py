"""The doubtful points of the platform, each as one named switch.

Where the evidence is missing the emulator must choose; every choice is here, with the default first and
the other behaviours that users should rehearse after it. Set in the org file under [switches] or when a
server is started.
Invariant: a switch never changes what is documented, only what is not known for sure.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class UnknownStage(StrEnum):
    """What a StageName outside the org's list does."""

    ACCEPT = "accept"
    REFUSE = "refuse"


class StageOutsideProcess(StrEnum):
    """What a stage does that the record type's sales process lacks."""

    ACCEPT = "accept"
    REFUSE = "refuse"


class StageWithProbability(StrEnum):
    """Which wins when one request carries both."""

    EXPLICIT_WINS = "explicit_wins"
    STAGE_WINS = "stage_wins"


class SameStage(StrEnum):
    """What resending the stored stage does to the derived fields."""

    KEEP = "keep"
    RECOMPUTE = "recompute"


class SecondPrimary(StrEnum):
    """What a second primary contact does."""

    LAST_WINS = "last_wins"
    SEVERAL_STAY = "several_stay"
    REFUSE = "refuse"


class PrimaryDuplicateDeleted(StrEnum):
    """What deleting one of several rows of the primary contact does."""

    CLEAR_ALL = "clear_all"
    LEAVE = "leave"


class LastProductDeleted(StrEnum):
    """What the amount of a deal becomes when its last product is deleted."""

    KEEP_AMOUNT = "keep_amount"
    ZERO_AMOUNT = "zero_amount"


class TextLengthUnit(StrEnum):
    """What the length of a text field counts; they differ for characters such as emoji."""

    UTF16_UNITS = "utf16_units"
    CODE_POINTS = "code_points"


class ControlCharacters(StrEnum):
    """What control characters other than tab and line ends do in a text."""

    REFUSE = "refuse"
    ACCEPT = "accept"


class DeletedRecordWrite(StrEnum):
    """How a write to a deleted record is answered."""

    ENTITY_IS_DELETED_404 = "entity_is_deleted_404"
    ENTITY_IS_DELETED_400 = "entity_is_deleted_400"
    NOT_FOUND_404 = "not_found_404"


class LockStatus(StrEnum):
    """The HTTP status of a lock error of a single-record call."""

    BAD_REQUEST = "400"
    SERVER_ERROR = "500"


class LocatorUse(StrEnum):
    """How often the locator of a query's next page may be followed."""

    ONCE = "once"
    AGAIN = "again"


class LocatorStatus(StrEnum):
    """The HTTP status of a locator that leads nowhere."""

    BAD_REQUEST = "400"
    NOT_FOUND = "404"


class UsageHeader(StrEnum):
    """How the usage count of Sforce-Limit-Info moves."""

    SOMETIMES_LOWER = "sometimes_lower"
    RISING = "rising"


class ApiLimit(StrEnum):
    """What happens when the day's calls are used up."""

    SOFT = "soft"
    HARD = "hard"


class TriggerRetries(StrEnum):
    """What a partly failing call does in an org with triggers."""

    NO_SIDE_EFFECT = "no_side_effect"
    TOO_MANY_RETRIES = "too_many_retries"


class NoRunAsUser(StrEnum):
    """The error of client credentials for an app without a run-as user."""

    INVALID_REQUEST = "invalid_request"
    INVALID_GRANT = "invalid_grant"


class SharedLoginHost(StrEnum):
    """The error of client credentials at login or test.salesforce.com."""

    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    INVALID_GRANT = "invalid_grant"


class JwtExpiry(StrEnum):
    """How far ahead the expiry of a JWT may lie, in minutes: three are documented, five reported.

    `any` is what the sf command needs: it sends the time in milliseconds, and real orgs let it in.
    """

    FIVE = "5"
    THREE = "3"
    ANY = "any"


class SecondUpload(StrEnum):
    """What a second upload into one bulk job does."""

    CLOSE_REFUSED = "close_refused"
    LAST_WINS = "last_wins"
    APPENDED = "appended"


class RowsAfterAbort(StrEnum):
    """Whether a bulk job at work still saves the chunk under way after an abort."""

    SOME = "some"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Switches:
    """One value for every doubtful point; the defaults are the emulator's choices."""

    unknown_stage: UnknownStage = UnknownStage.ACCEPT
    stage_outside_process: StageOutsideProcess = StageOutsideProcess.ACCEPT
    stage_with_probability: StageWithProbability = StageWithProbability.EXPLICIT_WINS
    same_stage: SameStage = SameStage.KEEP
    second_primary: SecondPrimary = SecondPrimary.LAST_WINS
    primary_duplicate_deleted: PrimaryDuplicateDeleted = PrimaryDuplicateDeleted.CLEAR_ALL
    same_contact_shares_primary: bool = True
    last_product_deleted: LastProductDeleted = LastProductDeleted.KEEP_AMOUNT
    text_length_unit: TextLengthUnit = TextLengthUnit.UTF16_UNITS
    control_characters: ControlCharacters = ControlCharacters.REFUSE
    demotion_moves_modstamp: bool = True
    composite_honours_conditions: bool = True
    deleted_record_write: DeletedRecordWrite = DeletedRecordWrite.ENTITY_IS_DELETED_404
    lock_status: LockStatus = LockStatus.BAD_REQUEST
    locator_use: LocatorUse = LocatorUse.ONCE
    locator_status: LocatorStatus = LocatorStatus.BAD_REQUEST
    short_pages: bool = False
    usage_header: UsageHeader = UsageHeader.SOMETIMES_LOWER
    api_limit: ApiLimit = ApiLimit.SOFT
    trigger_retries: TriggerRetries = TriggerRetries.NO_SIDE_EFFECT
    no_run_as_user: NoRunAsUser = NoRunAsUser.INVALID_REQUEST
    shared_login_host: SharedLoginHost = SharedLoginHost.UNSUPPORTED_GRANT_TYPE
    jwt_expiry: JwtExpiry = JwtExpiry.FIVE
    second_upload: SecondUpload = SecondUpload.CLOSE_REFUSED
    rows_after_abort: RowsAfterAbort = RowsAfterAbort.SOME
    batch_retry_repeats_chunk: bool = False
    result_row_missing: bool = False
    result_echo_altered: bool = False
    recycle_bin_holds_keys: bool = False
    convert_lead_all_or_none: bool = True
    text_is_trimmed: bool = True
    chunked_replies: bool = True
    read_only: bool = False
    storage_full: bool = False

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> "Switches":
        """Return the switches named in a TOML table.

        Raises: ValueError for an unknown switch or value.
        """
        known = {field.name: field for field in fields(cls)}
        chosen: dict[str, Any] = {}
        for name, value in table.items():
            if name not in known:
                raise ValueError(f"unknown switch {name!r}; the switches are: {', '.join(sorted(known))}")
            chosen[name] = _typed(name, value, kind=type(known[name].default))
        return cls(**chosen)


def _typed(name: str, value: object, *, kind: Any) -> object:
    if kind is bool:
        if not isinstance(value, bool):
            raise ValueError(f"switch {name} takes true or false, not {value!r}")
        return value
    try:
        return kind(str(value))
    except ValueError:
        raise ValueError(
            f"switch {name} takes one of {', '.join(member.value for member in kind)}, not {value!r}"
        ) from None
