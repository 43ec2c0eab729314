import json
import logging

import pytest
import structlog

from functions.logs import set_up_log


@pytest.fixture
def lines(caplog):
    before = structlog.get_config()
    set_up_log()
    caplog.set_level(logging.INFO)
    yield lambda: [json.loads(record.getMessage()) for record in caplog.records]
    structlog.configure(**before)


def test_a_line_is_json_with_the_correlation_id(lines):
    with structlog.contextvars.bound_contextvars(correlation_id="abc"):
        structlog.get_logger("edge").info("refused", code="not-found")
    (line,) = lines()
    assert (line["event"], line["code"], line["correlation_id"]) == ("refused", "not-found", "abc")
    assert (line["level"], line["logger"]) == ("info", "edge")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "name", ["agent_key", "sas_token", "Authorization", "connection_string", "client_secret", "cookie", "principal"]
)
def test_what_is_named_like_a_secret_is_hidden(lines, name):
    structlog.get_logger("edge").info("event", **{name: "hunter2"})
    assert "hunter2" not in json.dumps(lines())


def test_a_traceback_says_where_and_not_with_what(lines):
    def failing():
        account_key_value = "hunter2-in-a-local"
        raise ValueError(len(account_key_value))

    try:
        failing()
    except ValueError as fault:
        structlog.get_logger("edge").error("unforeseen", exc_info=fault)
    text = json.dumps(lines())
    assert "failing" in text
    assert "hunter2" not in text


def test_the_sdks_do_not_log_addresses(lines):
    logging.getLogger("azure.core.pipeline").info("https://account/container?sig=hunter2")
    assert lines() == []
