"""Delivery reports: the Event Grid event of a mail, put on a storage queue as Event Grid does it (base64)."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from local.mail.store import SentMail

QUEUE = "mail-events"
_TYPE = "Microsoft.Communication.EmailDeliveryReportReceived"


def delivery_event(mail: SentMail, status: str, words: str) -> dict[str, Any]:
    """The event, in Event Grid's own schema."""
    now = datetime.now(UTC).isoformat()
    return {
        "id": str(uuid.uuid4()),
        "topic": "/subscriptions/local/providers/Microsoft.Communication/communicationServices/local",
        "subject": f"sender/{mail.content['senderAddress']}/message/{mail.operation_id}",
        "data": {
            "sender": mail.content["senderAddress"],
            "recipient": mail.to,
            "internetMessageId": f"<{mail.operation_id}@mail.local>",
            "messageId": mail.operation_id,
            "status": status,
            "deliveryStatusDetails": {"statusMessage": words, "recipientMailServerHostName": "mx.local"},
            "deliveryAttemptTimeStamp": now,
        },
        "eventType": _TYPE,
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "eventTime": now,
    }


class ReportQueue:
    """The queue that the product listens to."""

    def __init__(self, connection_string: str, ca_file: str) -> None:
        """Calls nothing before the first report."""
        self._client = QueueClient.from_connection_string(
            connection_string,
            QUEUE,
            connection_verify=ca_file,
            message_encode_policy=TextBase64EncodePolicy(),
            retry_total=3,
        )

    def put(self, event: dict[str, Any]) -> None:
        """Puts one event there; makes the queue if it is not."""
        with suppress(ResourceExistsError):
            self._client.create_queue()
        self._client.send_message(json.dumps(event))
