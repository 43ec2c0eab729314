"""The functions host serves a small app as the platform would: routes, authentication, timers, queues, stops."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.storage.queue import QueueClient

from local.azurite import Azurite
from local.certificates import Certificates
from local.functions_host.easyauth import SignIn, write_sign_in
from local.functions_host.principal import LocalOperator
from local.functions_process import FunctionsHost, FunctionsHostOptions
from local.ports import free_ports
from local.processes import ProcessFailed
from tests.fixtures_stack import STATE_ACCOUNT
from tests.harness.conditions import eventually

SAMPLE_APP = Path(__file__).parent.parent / "fixtures" / "sample_app"
ANNA = LocalOperator(
    "11111111-1111-1111-1111-111111111111",
    "aaaaaaaa-0000-0000-0000-000000000000",
    "Anna",
    "anna@one.test",
    "anna-credential",
)
BERT = LocalOperator(
    "22222222-2222-2222-2222-222222222222",
    "bbbbbbbb-0000-0000-0000-000000000000",
    "Bert",
    "bert@two.test",
    "bert-credential",
)
AUDIENCE = "33333333-3333-3333-3333-333333333333"
OBJECT_CLAIM = "http://schemas.microsoft.com/identity/claims/objectidentifier"
TENANT_CLAIM = "http://schemas.microsoft.com/identity/claims/tenantid"


@dataclass
class SampleHost:
    """A running host with the sample app, and what the app recorded."""

    host: FunctionsHost
    records: Path
    connection_string: str
    ca_file: str
    state: Path

    def recorded(self, name: str) -> list[dict[str, Any]]:
        """What the sample app wrote under that name."""
        path = self.records / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def client(self, **options: Any) -> httpx.Client:
        """An HTTP client of the host."""
        return httpx.Client(base_url=self.host.url, trust_env=False, timeout=30, **options)

    def queue(self, name: str) -> QueueClient:
        """A queue of the host's storage."""
        return QueueClient.from_connection_string(self.connection_string, name, connection_verify=self.ca_file)


type StartHost = Callable[..., SampleHost]


@pytest.fixture
def start_host(tmp_path: Path, azurite: Azurite, certificates: Certificates) -> Iterator[StartHost]:
    """Start the sample app with storage queues emptied; `app`, `settings` and `https` may be given."""
    account = azurite.account(STATE_ACCOUNT)
    started: list[FunctionsHost] = []
    records = tmp_path / "records"
    records.mkdir()
    sign_in_file = tmp_path / "sign-in.json"
    write_sign_in(sign_in_file, SignIn(AUDIENCE, b"k" * 32, (ANNA, BERT)))

    def start(
        app: Path = SAMPLE_APP, *, https: bool = False, message_lease_seconds: int = 600, **settings: str
    ) -> SampleHost:
        options = FunctionsHostOptions(
            app_directory=app,
            directory=tmp_path,
            port=free_ports(1)[0],
            certificates=certificates,
            sign_in_file=sign_in_file,
            settings={
                "SampleStorage": account.connection_string,
                "SAMPLE_QUEUE": "work",
                "SAMPLE_SCHEDULE": "0 0 0 1 1 *",
                "SAMPLE_RECORDS": str(records),
                "AzureWebJobsDisableHomepage": "true",
                "AzureWebJobs.switched_off.Disabled": "true",
                **settings,
            },
            https=https,
            message_lease_seconds=message_lease_seconds,
        )
        host = FunctionsHost(options)
        started.append(host)
        host.start()
        return SampleHost(host, records, account.connection_string, str(certificates.ca_file), tmp_path / "host")

    yield start
    for host in started:
        host.stop()
    for name in ("work", "work-poison"):
        with QueueClient.from_connection_string(
            account.connection_string, name, connection_verify=str(certificates.ca_file)
        ) as queue:
            if queue_exists(queue):
                queue.delete_queue()


def queue_exists(queue: QueueClient) -> bool:
    from azure.core.exceptions import ResourceNotFoundError

    try:
        queue.get_queue_properties()
    except ResourceNotFoundError:
        return False
    return True


def principal(headers: dict[str, str]) -> dict[str, str]:
    """The claims of the principal header that the app received."""
    document = json.loads(base64.b64decode(headers["x-ms-client-principal"]))
    assert document["auth_typ"] == "aad"
    return {claim["typ"]: claim["val"] for claim in document["claims"]}


def test_routes_follow_the_rules_of_the_platform(start_host: StartHost):
    with start_host().client() as http:
        assert http.get("/api/shadow/fixed").json() == {"function": "a_first", "id": "fixed"}
        assert http.get("/API/Echo/Some%20One").json()["route"] == {"name": "Some One"}
        assert http.get("/api/echo/a%2Fb").json()["route"] == {"name": "a%2Fb"}
        assert http.delete("/api/echo/x").status_code == 404
        assert http.get("/api/echo").status_code == 404
        query = http.get("/api/echo/x?a=1&a=2&empty=&b=%20").json()["query"]
        assert query == {"a": "1,2", "b": " "}
        assert http.get("/").text == "the app's own home page"
        assert http.get("/unnamed_route").text == "found by the function's name"
        assert http.get("/files/a/b.css").json() == {"path": "a/b.css"}
        assert http.get("/typed/7").json() == {"number": "7"}
        assert http.get("/typed/7/abc").json() == {"number": "7", "name": "abc"}
        assert http.get("/typed/100").status_code == 404
        assert http.get("/typed/x").status_code == 404
        assert http.get("/typed/7/abcde").status_code == 404


def test_answers_are_passed_on_whole(start_host: StartHost):
    with start_host().client() as http:
        head = http.head("/api/echo/x")
        assert head.status_code == 200
        assert head.content == b""
        assert int(head.headers["content-length"]) > 0
        failure = http.get("/fails")
        assert failure.status_code == 500
        assert failure.content == b""
        assert http.get("/cookies").headers.get_list("set-cookie") == [
            "one=1; HttpOnly; Path=/; SameSite=Lax",
            "two=2; Max-Age=60",
        ]
        assert http.get("/split-header").status_code == 500
        assert http.get("/api/echo/x").status_code == 200, "the host goes on after each"


def test_requests_that_are_not_http_are_refused_by_the_host(start_host: StartHost):
    host = start_host()
    port = int(host.host.url.rpartition(":")[2])

    def status(request: bytes) -> int:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(request)
            return int(connection.recv(1000).split(b" ")[1])

    def get(path: bytes, *headers: bytes) -> bytes:
        return b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: 127.0.0.1", *headers, b"", b""])

    assert status(get(b"/api/echo/x")) == 200
    assert status(get(b"/api/echo/%ff")) == 400
    assert status(get(b"/api/echo/a%00b")) == 400
    assert status(get(b"/api/echo/x", b"X-Odd: \xff\xfe")) == 400
    assert status(b"rubbish\r\n\r\n") == 400
    assert status(b"POST /api/echo/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n") == 400
    assert status(get(b"/api/echo/x", b"Big: " + b"x" * 40_000)) == 431
    assert status(get(b"/api/echo/x").replace(b"Host: 127.0.0.1", b"Host: evil.example")) == 404


def test_a_body_over_the_platforms_limit_is_413(start_host: StartHost):
    def chunks() -> Iterator[bytes]:
        for _ in range(101):
            yield b"x" * (1024 * 1024)

    with start_host().client() as http:
        assert http.post("/api/echo/x", content=chunks()).status_code == 413
        assert http.get("/api/echo/x").status_code == 200


def test_identity_headers_come_from_the_platform_alone(start_host: StartHost):
    forged = {
        "X-MS-CLIENT-PRINCIPAL": base64.b64encode(b'{"auth_typ":"aad","claims":[]}').decode(),
        "X-MS-CLIENT-PRINCIPAL-ID": "forged",
        "X-MS-TOKEN-AAD-ID-TOKEN": "forged",
        "X-Forwarded-For": "203.0.113.7",
        "X-Agent-Key": "kept",
    }
    with start_host().client() as http:
        seen = http.get("/api/echo/x", headers=forged).json()
        assert seen["auth_enabled"] == "True"
        assert [name for name in seen["headers"] if name.startswith("x-ms-")] == []
        assert seen["headers"]["x-forwarded-for"].startswith("127.0.0.1:")
        assert seen["headers"]["x-agent-key"] == "kept"

        signed_in = http.get("/api/echo/x", headers={**forged, "Authorization": "Bearer bert-credential"}).json()
        claims = principal(signed_in["headers"])
        assert (claims[TENANT_CLAIM], claims[OBJECT_CLAIM]) == (BERT.tenant_id, BERT.object_id)
        assert (claims["aud"], claims["name"]) == (AUDIENCE, "Bert")
        assert signed_in["headers"]["x-ms-client-principal-id"] == BERT.object_id

        wrong = http.get("/api/echo/x", headers={"Authorization": "Bearer nonsense"})
        assert wrong.status_code == 401
        other_scheme = http.get("/api/echo/x", headers={"Authorization": "Basic YTpi"})
        assert other_scheme.status_code == 200
        assert "x-ms-client-principal" not in other_scheme.json()["headers"]


def test_a_browser_is_signed_in_by_a_sealed_cookie(start_host: StartHost):
    host = start_host()
    with host.client() as http:
        assert http.get("/.auth/me").status_code == 401
        login = http.get("/.auth/login/aad?post_login_redirect_uri=/api/echo/x%3Fa=1")
        assert (login.status_code, login.headers["location"]) == (302, "/api/echo/x?a=1")
        cookie = login.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert principal(http.get("/api/echo/x").json()["headers"])["name"] == "Anna"
        assert http.get("/.auth/me").json()[0]["user_id"] == ANNA.username

        # The platform refuses a POST of a signed-in browser that comes from another site.
        assert http.post("/api/echo/x", headers={"Origin": "https://evil.example"}).status_code == 403
        assert http.post("/api/echo/x", headers={"Origin": host.host.url}).status_code == 200

        host.host.stop()
        host.host.start()
        assert principal(http.get("/api/echo/x").json()["headers"])["name"] == "Anna", "sessions outlive a restart"

        sealed = http.cookies["AppServiceAuthSession"]
        forged = ("B" if sealed[0] != "B" else "C") + sealed[1:]
        with host.client(cookies={"AppServiceAuthSession": forged}) as stranger:
            assert "x-ms-client-principal" not in stranger.get("/api/echo/x").json()["headers"]

        http.get("/.auth/logout")
        assert "x-ms-client-principal" not in http.get("/api/echo/x").json()["headers"]
    with host.client() as http:
        http.get("/.auth/login/aad", params={"login_hint": BERT.username})
        assert principal(http.get("/api/echo/x").json()["headers"])["name"] == "Bert"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/a\r\nb", ""]
)
def test_sign_in_leads_nowhere_else(start_host: StartHost, target: str):
    with start_host().client() as http:
        login = http.get("/.auth/login/aad", params={"post_login_redirect_uri": target})
        assert login.headers["location"] == "/"


def test_a_message_is_worked_on_once_and_an_array_becomes_several(start_host: StartHost):
    host = start_host()
    with host.client() as http:
        assert http.post("/enqueue", content=b"plain").status_code == 202
        assert http.post("/enqueue", content=b'["one", {"two": 2}]').status_code == 202
    eventually(lambda: len(host.recorded("work")) == 3, seconds=20, what="three messages worked on")
    bodies = [entry["body"] for entry in host.recorded("work")]
    assert sorted(bodies) == ["one", "plain", '{\n  "two": 2\n}']
    eventually(lambda: not host.queue("work").peek_messages(5), seconds=10, what="an empty queue")


def test_a_failing_message_is_tried_and_becomes_poison(start_host: StartHost):
    host = start_host()
    with host.client() as http:
        http.post("/enqueue", content=b"poison 1")
    poison = eventually(lambda: host.recorded("poison"), seconds=30, what="a poison message")
    assert poison == [{"body": "poison 1"}]
    assert [entry["tries"] for entry in host.recorded("work")] == [1, 2, 3]
    eventually(lambda: not host.queue("work").peek_messages(5), seconds=10, what="an empty queue")
    eventually(
        lambda: host.queue("work-poison").get_queue_properties().approximate_message_count == 0,
        seconds=10,
        what="an empty poison queue",
    )


def test_a_message_that_is_not_base64_becomes_poison_untried(start_host: StartHost):
    host = start_host(**{"AzureWebJobs.work_poison.Disabled": "true"})
    with host.client() as http:
        http.post("/enqueue", content=b"first")
    eventually(lambda: host.recorded("work"), seconds=20, what="the first message")
    host.queue("work").send_message("not base64!")
    eventually(
        lambda: queue_exists(host.queue("work-poison")) and host.queue("work-poison").peek_messages(5),
        seconds=20,
        what="a poison message",
    )
    assert host.queue("work-poison").peek_messages(5)[0].content == "not base64!"
    assert len(host.recorded("work")) == 1


def test_a_message_whose_host_was_killed_is_worked_on_again(start_host: StartHost):
    host = start_host(message_lease_seconds=5)
    with host.client() as http:
        http.post("/enqueue", content=b"stay")
    eventually(lambda: host.recorded("work"), seconds=20, what="the message being worked on")
    host.host.kill()
    assert host.recorded("stayed") == []
    host.host.start()
    eventually(lambda: host.recorded("stayed"), seconds=40, what="the message worked on again")
    assert [entry["tries"] for entry in host.recorded("work")] == [1, 2]


def test_a_message_is_kept_from_others_while_it_is_worked_on(start_host: StartHost):
    host = start_host(message_lease_seconds=2)
    with host.client() as http:
        http.post("/enqueue", content=b"stay")
    eventually(lambda: host.recorded("stayed"), seconds=30, what="work that takes longer than a lease")
    eventually(
        lambda: host.queue("work").get_queue_properties().approximate_message_count == 0,
        seconds=10,
        what="the message deleted",
    )
    assert [entry["tries"] for entry in host.recorded("work")] == [1]


def test_a_message_that_fails_in_the_poison_queue_has_nowhere_to_go(start_host: StartHost):
    host = start_host()
    host.queue("work-poison").create_queue()
    host.queue("work-poison").send_message(base64.b64encode(b"refuse").decode())
    eventually(lambda: host.recorded("poison"), seconds=20, what="the poison message tried")
    assert not queue_exists(host.queue("work-poison-poison"))
    assert host.queue("work-poison").get_queue_properties().approximate_message_count == 1, "it stays, hidden"


def test_a_timer_runs_on_its_schedule_and_by_hand(start_host: StartHost):
    host = start_host(SAMPLE_SCHEDULE="*/1 * * * * *")
    eventually(lambda: len(host.recorded("tick")) >= 3, seconds=20, what="three ticks")
    assert not any(entry["past_due"] for entry in host.recorded("tick"))
    with host.client() as http:
        assert host.recorded("nightly") == []
        assert http.post("/admin/functions/Nightly?wait=true", json={}).status_code == 200
        assert len(host.recorded("nightly")) == 1
        body = {"input": "by hand"}
        assert http.post("/admin/functions/work", json=body).status_code == 202
        eventually(lambda: host.recorded("work"), seconds=10, what="the message given by hand")
        assert host.recorded("work")[0]["body"] == "by hand"
        failed = http.post("/admin/functions/work?wait=true", json={"input": "poison"})
        assert failed.status_code == 500
        assert "cannot work on this" in failed.json()["error"]
        assert http.post("/admin/functions/echo", json={}).status_code == 404
        assert http.post("/admin/functions/nightly", content=b"{}").status_code == 415
        assert (
            http.post(
                "/admin/functions/nightly", content=b"[]", headers={"content-type": "application/json"}
            ).status_code
            == 400
        )
    assert host.recorded("switched_off") == [], "a disabled function does not run"


def test_a_timer_that_was_missed_runs_at_the_next_start(start_host: StartHost):
    host = start_host()
    status_file = host.state / "timers" / "nightly.json"
    eventually(status_file.exists, seconds=10, what="a timer status on disk")
    host.host.stop()
    status = json.loads(status_file.read_text())
    earlier = (datetime.now(UTC) - timedelta(days=800)).isoformat()
    status_file.write_text(json.dumps({**status, "LastUpdated": earlier}))
    host.host.start()
    eventually(lambda: host.recorded("nightly"), seconds=10, what="the run that was missed")
    assert host.recorded("nightly")[0]["past_due"] is True
    host.host.stop()
    host.host.start()
    with host.client() as http:
        assert http.get("/admin/host/status").json() == {"state": "Running"}
    assert len(host.recorded("nightly")) == 1


def test_a_stop_lets_running_work_finish(start_host: StartHost):
    host = start_host()
    answers: list[httpx.Response] = []

    def ask() -> None:
        with host.client() as http:
            answers.append(http.get("/slow"))

    asking = threading.Thread(target=ask)
    asking.start()
    with host.client() as http:
        http.post("/enqueue", content=b"stay")
    eventually(lambda: host.recorded("slow") and host.recorded("work"), seconds=20, what="both at work")
    host.host.stop()
    asking.join(20)
    assert [answer.text for answer in answers] == ["finished"]
    assert len(host.recorded("stayed")) == 1
    assert host.host.process.returncode == 0
    assert host.queue("work").peek_messages(5) == []


def test_it_serves_https_with_the_private_authority(start_host: StartHost):
    import ssl

    host = start_host(https=True)
    trusted = ssl.create_default_context(cafile=host.ca_file)
    with host.client(verify=trusted) as http:
        answer = http.get("/api/echo/x").json()
        assert answer["url"].startswith("https://127.0.0.1:")
        assert "; Secure" in http.get("/.auth/login/aad").headers["set-cookie"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nothing_of_that_name", "nothing_of_that_name"),
        (
            "import azure.functions as func\napp = func.FunctionApp()\n"
            "@app.route('admin/x')\ndef f(req: func.HttpRequest) -> str:\n    return ''\n",
            "conflicts with a route of the host",
        ),
        (
            "import azure.functions as func\napp = func.FunctionApp()\n"
            "@app.timer_trigger('t', schedule='0 0 0 * * 7')\ndef f(t: func.TimerRequest) -> None:\n    pass\n",
            "day of week",
        ),
        (
            "import azure.functions as func\napp = func.FunctionApp()\n"
            "@app.queue_trigger('m', queue_name='%NO_SUCH%', connection='SampleStorage')\n"
            "def f(m: func.QueueMessage) -> None:\n    pass\n",
            "NO_SUCH",
        ),
        (
            "import azure.functions as func\napp = func.FunctionApp()\n"
            "@app.blob_trigger('b', path='x/{name}', connection='SampleStorage')\n"
            "def f(b: func.InputStream) -> None:\n    pass\n",
            "blobTrigger",
        ),
    ],
)
def test_an_app_that_cannot_run_is_refused_with_the_cause(
    start_host: StartHost, tmp_path: Path, source: str, said: str
):
    app = tmp_path / "app"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}')
    (app / "function_app.py").write_text(source)
    with pytest.raises(ProcessFailed) as refusal:
        start_host(app)
    assert "exit code 3" in str(refusal.value)
    assert said in str(refusal.value)


def test_the_hosts_own_home_page_hides_the_apps(start_host: StartHost):
    with start_host(AzureWebJobsDisableHomepage="false").client() as http:
        assert "up and running" in http.get("/").text
