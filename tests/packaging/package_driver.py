"""Runs in the clean environment of a deployment package: indexes the app there and invokes every function once.

Called as `python package_driver.py <unpacked package>`; prints one JSON line a function. Beside it lies the part of the
local host that drives Microsoft's worker library; nothing else of this project can be imported but what was deployed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from local.functions_host import worker
from local.functions_host.function import HTTP_TRIGGER, TIMER_TRIGGER, Function

NOW = "2026-03-02T09:00:00+00:00"
SCHEDULE = {"ScheduleStatus": {"Last": NOW, "Next": NOW, "LastUpdated": NOW}, "IsPastDue": False}


def given(function: Function) -> tuple[Any, dict[str, Any]]:
    """What the host would hand over: a stranger, a timer that is due, a message about no job."""
    if function.kind == HTTP_TRIGGER:
        route = str(function.trigger["route"]).replace("{", "").replace("}", "").split(":")[0]
        method = str((function.trigger.get("methods") or ["GET"])[0]).upper()
        names = [part.strip("{}").split(":")[0] for part in str(function.trigger["route"]).split("/") if "{" in part]
        headers = {"host": "app.example", "content-type": "application/json"}
        url = f"https://app.example/{route}"
        return worker.http_request(method, url, headers, {}, dict.fromkeys(names, "x"), b"{}"), {}
    if function.kind == TIMER_TRIGGER:
        return worker.json_text(json.dumps(SCHEDULE)), {}
    metadata = {
        "Id": worker.text("1"),
        "PopReceipt": worker.text("r"),
        "DequeueCount": worker.integer(1),
        "InsertionTime": worker.json_text(json.dumps(NOW)),
        "ExpirationTime": worker.json_text(json.dumps(NOW)),
        "NextVisibleTime": worker.json_text(json.dumps(NOW)),
    }
    return worker.text('{"organization": "packaged", "job_id": "job_aaaaaaaaaaaa"}'), metadata


async def main(app: Path) -> None:
    """Prints what came of each function."""
    functions = await worker.load(app)
    for function in functions:
        content, metadata = given(function)
        said: dict[str, Any] = {"name": function.name, "kind": function.kind}
        try:
            result = await worker.invoke(function, content, metadata)
        except worker.InvocationFailed as fault:
            said["failed"] = str(fault)
        else:
            if function.kind == HTTP_TRIGGER:
                said["status"] = int(result.returned.value["status_code"].value)
        print(json.dumps(said), flush=True)
    worker.stop()


asyncio.run(main(Path(sys.argv[1])))
