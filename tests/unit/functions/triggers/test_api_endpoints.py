"""The exact API: every name, method, route, audience and role. A change here is a change that callers see."""

from __future__ import annotations

import ast
import inspect
import json
import re

import pytest

from functions.triggers import api
from functions.triggers.edge_endpoint import Audience
from migrate_contract.errors import CATALOGUE, ErrorCode

ENDPOINTS = sorted((endpoint for routes in api.API for endpoint in routes.endpoints), key=lambda found: found.name)
DOCUMENT = json.loads(api._document("https://migrate.example.com"))

EXPECTED = """
agent_check                 POST   api/agent/check                              agent
agent_commands_mission      POST   api/agent/commands/{command_id}/mission     agent
agent_commands_result       POST   api/agent/commands/{command_id}/result      agent
agent_heartbeat             POST   api/agent/heartbeat                         agent
agent_jobs_failed_files     POST   api/agent/jobs/{job_id}/failed-files        agent
agent_jobs_grant            POST   api/agent/jobs/{job_id}/grant               agent
agent_jobs_import_log       POST   api/agent/jobs/{job_id}/import-log          agent
agent_jobs_import_report    POST   api/agent/jobs/{job_id}/import-report       agent
agent_jobs_ledger           POST   api/agent/jobs/{job_id}/ledger              agent
agent_jobs_mission          POST   api/agent/jobs/{job_id}/mission             agent
agent_jobs_progress         POST   api/agent/jobs/{job_id}/progress            agent
agent_register              POST   api/agent/register                          open
agent_rotate_key            POST   api/agent/rotate-key                        agent
agent_unregister            POST   api/agent/unregister                        agent
agents_edit                 PATCH  api/agents/{agent_id}                       Operator
agents_lift_suspension      POST   api/agents/{agent_id}/lift-suspension       Operator
agents_list                 GET    api/agents                                  Reader
agents_revoke               POST   api/agents/{agent_id}/revoke                Operator
agents_show                 GET    api/agents/{agent_id}                       Reader
alerts_list                 GET    api/alerts                                  Reader
audit_list                  GET    api/audit                                   Admin
azure_connection_show       GET    api/projects/{project_id}/azure-connection/customer Reader
azure_sign_in_begin         POST   api/projects/{project_id}/azure-sign-in     Operator
azure_sign_in_containers    GET    api/projects/{project_id}/azure-sign-in/{draft_id} Operator
azure_sign_in_finish        POST   api/azure-sign-in                           Operator
azure_sign_in_save          PUT    api/projects/{project_id}/azure-connection/customer Operator
azure_sign_in_upkeep        POST   api/azure-sign-in/upkeep                    Admin
clients_create              POST   api/clients                                 Operator
clients_delete              DELETE api/clients/{client_id}                     Admin
clients_edit                PATCH  api/clients/{client_id}                     Operator
clients_limit               PUT    api/clients/{client_id}/bandwidth-limit     Operator
clients_list                GET    api/clients                                 Reader
clients_show                GET    api/clients/{client_id}                     Reader
events_list                 GET    api/projects/{project_id}/events            Reader
expired_jobs_rerun          POST   api/projects/{project_id}/expired-jobs/rerun Operator
expired_jobs_show           GET    api/projects/{project_id}/expired-jobs      Reader
health_show                 GET    api/health                                  open
imports_bridge_csv          GET    api/jobs/{job_id}/bridge.csv                Reader
imports_certificate         GET    api/jobs/{job_id}/certificate               Reader
imports_change              PUT    api/jobs/{job_id}/import-settings           Operator
imports_decide              PUT    api/jobs/{job_id}/import-decisions          Operator
imports_log                 GET    api/jobs/{job_id}/import-log                Reader
imports_log_csv             GET    api/jobs/{job_id}/import-log.csv            Reader
imports_log_summary         GET    api/jobs/{job_id}/import-log/summary        Reader
imports_reconciliation_csv  GET    api/jobs/{job_id}/reconciliation.csv        Reader
imports_report              GET    api/jobs/{job_id}/import-report             Reader
jobs_approve                POST   api/jobs/{job_id}/approve                   Operator
jobs_cancel                 POST   api/jobs/{job_id}/cancel                    Operator
jobs_create                 POST   api/jobs                                    Operator
jobs_cutover                POST   api/jobs/{job_id}/cutover                   Operator
jobs_delete                 DELETE api/jobs/{job_id}                           Operator
jobs_duplicate              POST   api/jobs/{job_id}/duplicate                 Operator
jobs_edit                   PATCH  api/jobs/{job_id}                           Operator
jobs_history                GET    api/jobs/{job_id}/history                   Reader
jobs_limit                  PUT    api/jobs/{job_id}/bandwidth-limit           Operator
jobs_list                   GET    api/jobs                                    Reader
jobs_mirror_confirm         POST   api/jobs/{job_id}/mirror/confirm            Operator
jobs_mirror_withdraw        POST   api/jobs/{job_id}/mirror/withdraw           Operator
jobs_pause                  POST   api/jobs/{job_id}/pause                     Operator
jobs_reassign               POST   api/jobs/{job_id}/reassign                  Operator
jobs_rerun                  POST   api/jobs/{job_id}/rerun                     Operator
jobs_resume                 POST   api/jobs/{job_id}/resume                    Operator
jobs_retry_failed           POST   api/jobs/{job_id}/retry-failed              Operator
jobs_show                   GET    api/jobs/{job_id}                           Reader
jobs_sync                   PUT    api/jobs/{job_id}/sync                      Operator
mails_show                  GET    api/projects/{project_id}/mails             Reader
mails_test                  POST   api/projects/{project_id}/test-mail         Operator
me_show                     GET    api/me                                      Reader
openapi_show                GET    api/openapi.json                            open
projects_connect            PUT    api/projects/{project_id}/azure-connection  Operator
projects_create             POST   api/projects                                Operator
projects_delete             DELETE api/projects/{project_id}                   Operator
projects_disconnect         DELETE api/projects/{project_id}/azure-connection  Operator
projects_edit               PATCH  api/projects/{project_id}                   Operator
projects_list               GET    api/projects                                Reader
projects_schedule           PUT    api/projects/{project_id}/bandwidth-schedule Operator
projects_show               GET    api/projects/{project_id}                   Reader
projects_unschedule         DELETE api/projects/{project_id}/bandwidth-schedule Operator
recipients_add              POST   api/projects/{project_id}/recipients        Operator
recipients_remove           DELETE api/projects/{project_id}/recipients/{recipient_id} Operator
recipients_show             GET    api/projects/{project_id}/recipients        Reader
registration_codes_create   POST   api/registration-codes                      Operator
registration_codes_list     GET    api/registration-codes                      Reader
registration_codes_revoke   DELETE api/registration-codes/{code_id}            Operator
reports_files               GET    api/jobs/{job_id}/files                     Reader
reports_files_csv           GET    api/jobs/{job_id}/files.csv                 Reader
reports_safe_to_delete      GET    api/jobs/{job_id}/safe-to-delete.csv        Reader
reports_show                GET    api/jobs/{job_id}/report                    Reader
rockrms_connect_mission     PUT    api/projects/{project_id}/mission-connection Operator
rockrms_disconnect_mission  DELETE api/projects/{project_id}/mission-connection Operator
rockrms_forget              POST   api/projects/{project_id}/rockrms-connection/forget Operator
rockrms_funds               PUT    api/projects/{project_id}/funds             Operator
rockrms_keep                PUT    api/projects/{project_id}/rockrms-connection Operator
rockrms_show                GET    api/projects/{project_id}/rockrms           Reader
rockrms_test                POST   api/projects/{project_id}/rockrms-test      Operator
rockrms_test_mission        POST   api/projects/{project_id}/mission-test      Operator
rockrms_trace               POST   api/projects/{project_id}/trace             Operator
token_checks_list           GET    api/token-checks                            Reader
token_checks_runs           GET    api/token-checks/runs                       Reader
webhooks_change             PATCH  api/webhooks/{webhook_id}                   Operator
webhooks_create             POST   api/webhooks                                Operator
webhooks_delete             DELETE api/webhooks/{webhook_id}                   Operator
webhooks_deliveries         GET    api/webhooks/{webhook_id}/deliveries        Reader
webhooks_list               GET    api/webhooks                                Reader
webhooks_renew_secret       POST   api/webhooks/{webhook_id}/secret            Operator
webhooks_retry              POST   api/webhooks/{webhook_id}/deliveries/{event_id}/retry Operator
webhooks_show               GET    api/webhooks/{webhook_id}                   Reader
webhooks_test               POST   api/webhooks/{webhook_id}/test              Operator
"""


def test_the_api_is_exactly_this():
    found = [
        (
            endpoint.name,
            endpoint.method,
            endpoint.route,
            endpoint.role.value if endpoint.audience is Audience.OPERATOR else endpoint.audience.value,
        )
        for endpoint in ENDPOINTS
    ]
    assert found == [tuple(line.split()) for line in EXPECTED.strip().splitlines()]


def test_what_is_open_is_registration_health_and_the_description():
    open_ones = {endpoint.name for endpoint in ENDPOINTS if endpoint.audience is Audience.OPEN}
    assert open_ones == {"agent_register", "health_show", "openapi_show"}


def test_agents_keys_count_only_below_their_own_prefix():
    assert all(
        endpoint.route.startswith("api/agent/") == (endpoint.audience is Audience.AGENT)
        for endpoint in ENDPOINTS
        if endpoint.name != "agent_register"
    )


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_a_body_is_at_most_five_statements(endpoint):
    (function,) = ast.parse(inspect.getsource(endpoint.function)).body
    assert isinstance(function, ast.FunctionDef)
    assert ast.get_docstring(function)
    assert len([node for node in ast.walk(function) if isinstance(node, ast.stmt)]) - 2 <= 5


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_the_description_has_every_answer(endpoint):
    operation = DOCUMENT["paths"]["/" + endpoint.route][endpoint.method.lower()]
    statuses = {str(endpoint.status), *(str(CATALOGUE[code].status) for code in endpoint.codes)}
    assert set(operation["responses"]) == statuses
    for status, response in operation["responses"].items():
        if status != str(endpoint.status):
            assert list(response["content"]) == ["application/problem+json"]
        assert "X-Correlation-Id" in response["headers"]


def test_every_reference_of_the_description_is_there():
    text = json.dumps(DOCUMENT)
    references = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', text))
    assert references == set(DOCUMENT["components"]["schemas"])


def test_every_path_parameter_has_its_pattern():
    for path, operations in DOCUMENT["paths"].items():
        for operation in operations.values():
            described = {found["name"]: found for found in operation["parameters"] if found["in"] == "path"}
            assert set(described) == set(re.findall(r"\{(\w+)\}", path))
            assert all(found["schema"]["pattern"] for found in described.values())


def test_lists_page():
    for name in [endpoint.name for endpoint in ENDPOINTS if endpoint.name.endswith("_list")]:
        (operation,) = [
            operation
            for operations in DOCUMENT["paths"].values()
            for operation in operations.values()
            if operation["operationId"] == name
        ]
        assert {"limit", "continuation"} <= {found["name"] for found in operation["parameters"]}


def test_security_is_said():
    assert "security" not in DOCUMENT
    beat = DOCUMENT["paths"]["/api/agent/heartbeat"]["post"]
    jobs = DOCUMENT["paths"]["/api/jobs"]["get"]
    health = DOCUMENT["paths"]["/api/health"]["get"]
    assert (beat["security"], jobs["security"], health["security"]) == ([{"agent": []}], [{"operator": []}], [])
    assert DOCUMENT["components"]["securitySchemes"]["agent"]["name"] == "X-Agent-Key"


def test_throttling_says_when_to_come_back():
    register = DOCUMENT["paths"]["/api/agent/register"]["post"]["responses"]["429"]
    assert "Retry-After" in register["headers"]
    assert ErrorCode.REGISTRATION_THROTTLED.value in json.dumps(register["content"])
