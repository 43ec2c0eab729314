"""What the storage service's answers mean, decided by its error codes and never by its sentences.

Four things can follow from a refusal: the request is sent again (`ServiceBusy`), a new grant is asked for
(`AccessRefused`), the target is looked at again (`ConditionFailed`), or the file or the job ends with a code of the
catalogue.
"""

from __future__ import annotations

import re

from migrate_agent.transfer.connection import Answer
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable, SkipRecord

_TRY_AGAIN = {408, 429, 500, 502, 503, 504}
_ACCESS = {401, 403}
_NO_CONTAINER = {"ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled"}
_ARCHIVED = {"BlobArchived", "BlobBeingRehydrated", "CannotModifyArchivedBlob"}
_DAMAGED = {"Md5Mismatch", "Crc64Mismatch"}
_BLOCKS_LOST = {"InvalidBlockList", "InvalidBlobOrBlock", "InvalidBlockId"}
_CONDITION = {"ConditionNotMet", "TargetConditionNotMet", ""}
_REFUSED_BLOB = {"UnauthorizedBlobOverwrite"}
"""403 answers that are about one blob and not about the grant."""
_CODE_IN_BODY = re.compile(rb"<Code>([A-Za-z0-9]{1,80})</Code>")
_MESSAGE_IN_BODY = re.compile(rb"<Message>([^<]{0,300})")


class ServiceBusy(Retryable):
    """The service cannot do it now; the same request again is right."""


class BytesDamaged(Retryable):
    """The service's hash of the body is not the one we sent; the same request again is right."""


class BlocksLost(Retryable):
    """The staged blocks are not there any more: the file's upload begins anew."""


class AccessRefused(Retryable):
    """The grant is not accepted (any more). Says nothing about the file."""

    def __init__(self, service_code: str, detail: str) -> None:
        self.service_code = service_code
        super().__init__(ErrorCode.TARGET_ACCESS_DENIED, detail)


class ConditionFailed(Retryable):
    """If-Match or If-None-Match did not hold: the blob is not as it was seen."""


def refusal(answer: Answer, subject: str) -> MigrateError:
    """Result: what an answer other than 2xx means for `subject`, which is a name that may be shown."""
    code = service_code(answer)
    said = f"{subject}: the service answered {answer.status} {code}".rstrip()
    request_id = answer.headers.get("x-ms-request-id")
    where = f"{said} (request {request_id})" if request_id else said
    if code in _DAMAGED:
        return BytesDamaged(ErrorCode.TRANSIT_CORRUPTED, where)
    if answer.status in _TRY_AGAIN:
        return ServiceBusy(ErrorCode.TARGET_BUSY, where, retry_after_seconds=_retry_after(answer))
    if code in _NO_CONTAINER:
        return Fatal(ErrorCode.TARGET_CONTAINER_MISSING, where)
    if answer.status in _ACCESS and code not in _REFUSED_BLOB:
        return AccessRefused(code or str(answer.status), where)
    if code in _ARCHIVED:
        return SkipRecord(ErrorCode.TARGET_ARCHIVED, where)
    if code == "BlobAlreadyExists" or (
        answer.status == 412 and code in ("ConditionNotMet", "TargetConditionNotMet", "")
    ):
        return ConditionFailed(ErrorCode.TARGET_CHANGED, where)
    if code in _BLOCKS_LOST:
        return BlocksLost(ErrorCode.TARGET_BUSY, where)
    message = _MESSAGE_IN_BODY.search(answer.body)
    words = message[1].decode("utf-8", "replace").splitlines()[0].strip() if message and message[1].strip() else ""
    return SkipRecord(ErrorCode.TARGET_REFUSED, f"{where}: {words}" if words else where)


def service_code(answer: Answer) -> str:
    """Result: the service's error code, '' where it gives none (a proxy or an appliance answered)."""
    code = answer.headers.get("x-ms-error-code", "")
    if code:
        return code[:80]
    found = _CODE_IN_BODY.search(answer.body)
    return found[1].decode("ascii") if found else ""


def _retry_after(answer: Answer) -> float | None:
    """Seconds; the form with a date is not taken, because it needs a clock that is right."""
    value = answer.headers.get("retry-after", "").strip()
    return float(value) if value.isascii() and value.isdigit() and len(value) < 7 else None
