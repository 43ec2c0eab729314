"""host.json: defaults, values, refusals."""

from __future__ import annotations

import pytest

from local.functions_host.host_json import HostJsonInvalid, QueueOptions, parse, time_span


def test_defaults_are_the_hosts():
    read = parse({"version": "2.0"})
    assert read.route_prefix == "api"
    assert read.queues == QueueOptions(16, 8, 5, 0.0, 60.0, base64=True)


def test_values_are_taken():
    queues = {
        "batchSize": 4,
        "maxDequeueCount": 2,
        "visibilityTimeout": "00:00:30",
        "maxPollingInterval": "00:00:02",
        "messageEncoding": "none",
    }
    read = parse({"version": "2.0", "extensions": {"http": {"routePrefix": ""}, "queues": queues}})
    assert read.route_prefix == ""
    assert read.queues == QueueOptions(4, 2, 2, 30.0, 2.0, base64=False)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"version": "1.0"},
        {"version": "2.0", "extensions": {"queues": {"batchSize": 33}}},
        {"version": "2.0", "extensions": {"queues": {"batchSize": "many"}}},
        {"version": "2.0", "extensions": {"queues": {"maxDequeueCount": 0}}},
        {"version": "2.0", "extensions": {"queues": {"visibilityTimeout": "30"}}},
        {"version": "2.0", "extensions": {"queues": {"messageEncoding": "utf-16"}}},
        {"version": "2.0", "extensions": []},
        [],
    ],
)
def test_what_the_host_refuses(document: object):
    with pytest.raises(HostJsonInvalid):
        parse(document)


@pytest.mark.parametrize(("text", "seconds"), [("00:00:02", 2), ("1.02:03:04", 93784), ("00:00:00.5", 0.5)])
def test_time_spans(text: str, seconds: float):
    assert time_span(text) == seconds


@pytest.mark.parametrize("text", ["2", "24:00:00", "00:60:00", "00:00:60", "-00:00:01", ""])
def test_what_is_no_time_span(text: str):
    with pytest.raises(ValueError, match="time span"):
        time_span(text)
