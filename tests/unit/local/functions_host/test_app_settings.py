"""App settings in bindings."""

from __future__ import annotations

import pytest

from local.functions_host.app_settings import SettingMissing, connection_string, disabled, resolve


def test_references_are_resolved():
    assert resolve("a-%X%-%Y%", {"X": "1", "Y": "2"}) == "a-1-2"
    with pytest.raises(SettingMissing, match="NO_SUCH"):
        resolve("%NO_SUCH%", {})


def test_a_connection_is_found_with_the_platforms_prefix_first():
    assert connection_string("Storage", {"AzureWebJobsStorage": "a", "Storage": "b"}) == "a"
    assert connection_string("Storage", {"Storage": "b"}) == "b"
    with pytest.raises(SettingMissing):
        connection_string("Storage", {"Storage": ""})


def test_a_function_can_be_switched_off():
    assert disabled("f", {"AzureWebJobs.f.Disabled": "True"})
    assert not disabled("f", {"AzureWebJobs.f.Disabled": "false"})
