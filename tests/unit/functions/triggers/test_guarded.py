import pytest

from functions.triggers.guarded import run_all


def test_every_part_runs_and_every_failure_is_raised():
    ran = []

    def failing(name):
        def part():
            ran.append(name)
            raise ValueError(name)

        return part

    parts = {"a": failing("a"), "b": lambda: ran.append("b"), "c": failing("c")}
    with pytest.raises(ExceptionGroup) as raised:
        run_all(parts)
    assert ran == ["a", "b", "c"]
    assert [str(fault) for fault in raised.value.exceptions] == ["a", "c"]
    assert raised.value.exceptions[0].__notes__ == ["in the sweep a"]


def test_nothing_is_raised_when_all_is_well():
    run_all({"a": lambda: None})
