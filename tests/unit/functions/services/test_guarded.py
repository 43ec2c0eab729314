import pytest

from functions.services.guarded import Guarded


def test_every_part_runs_and_every_failure_is_raised_at_the_end():
    guarded, ran = Guarded(), []
    for name in ("a", "b", "c"):
        with guarded.part(name):
            ran.append(name)
            if name != "b":
                raise ValueError(name)
    assert ran == ["a", "b", "c"]
    with pytest.raises(ExceptionGroup) as raised:
        guarded.finish()
    assert [str(fault) for fault in raised.value.exceptions] == ["a", "c"]
    assert raised.value.exceptions[0].__notes__ == ["in the sweep of a"]


def test_nothing_is_raised_when_all_is_well():
    guarded = Guarded()
    with guarded.part("a"):
        pass
    guarded.finish()
