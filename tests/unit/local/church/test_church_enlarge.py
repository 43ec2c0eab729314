"""A church's gifts and attendance multiplied: as many as asked for, sound, and no row doubled."""

from __future__ import annotations

import sqlite3

import pytest

from local.church import Shape, generate
from local.church.enlarge import enlarge


@pytest.mark.parametrize("shape", list(Shape))
def test_as_many_as_asked_for_and_sound(shape, tmp_path):
    church = generate(tmp_path / "rock.db", seed=1, people=60, shape=shape)
    before = sum(line.cents for line in church.model.lines), len(list(church.model.lines))
    wanted = before[1] * 4
    after = enlarge(church, lines=wanted, attendances=1000)
    assert (after.lines, after.attendances, after.cents) == (wanted, 1000, before[0] * 4)
    with sqlite3.connect(church.path) as rock:
        lost = "SELECT COUNT(*) FROM FinancialTransactionDetail WHERE TransactionId NOT IN (SELECT Id FROM {0})"
        assert rock.execute(lost.format("FinancialTransaction")).fetchone() == (0,)
        alien = "SELECT COUNT(*) FROM FinancialTransactionRefund WHERE Id NOT IN (SELECT Id FROM FinancialTransaction)"
        assert rock.execute(alien).fetchone() == (0,)
        guids = rock.execute("SELECT COUNT(*) - COUNT(DISTINCT Guid) FROM FinancialTransaction").fetchone()
        assert guids == (0,)
        if shape is not Shape.V7:
            orphans = "SELECT COUNT(*) FROM Attendance WHERE OccurrenceId NOT IN (SELECT Id FROM AttendanceOccurrence)"
            assert rock.execute(orphans).fetchone() == (0,)
    rock.close()


def test_fewer_take_nothing_away(tmp_path):
    church = generate(tmp_path / "rock.db", seed=1, people=60)
    assert enlarge(church, lines=1, attendances=1).lines == len(list(church.model.lines))
