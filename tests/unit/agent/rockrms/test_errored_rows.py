"""Rows that should be in Mission and cannot be mapped count as errored, other ones that are not sent as skipped."""

from migrate_agent.rockrms.decisions import sort_out
from migrate_agent.rockrms.records import Skipped
from migrate_agent.store.import_entries import RecordStatus
from migrate_contract.errors import ErrorCode
from migrate_contract.rockrms import Entity, LogKind


def test_a_gift_without_any_date_is_errored_and_a_rule_skips() -> None:
    found = sort_out(
        Entity.CONTRIBUTIONS,
        [
            Skipped(1, "rock:x:FinancialTransactionDetail:1", ErrorCode.GIFT_UNDATED, "no date"),
            Skipped(2, "rock:x:FinancialTransactionDetail:2", ErrorCode.ATTENDANCE_DOUBLED, "twice"),
        ],
        {},
        dry=False,
    )
    assert [each.status for each in found.decided] == [RecordStatus.ERRORED, RecordStatus.SKIPPED]
    assert [entry.kind for entry in found.log] == [LogKind.ERRORED, LogKind.SKIPPED]
    assert found.to_send == []
