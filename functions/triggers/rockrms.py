"""A project's RockRMS and Mission: connections, checks that its agents make, and the map of funds."""

from __future__ import annotations

from functions.domain.caller import Role
from functions.domain.rockrms_views import (
    AgentChoiceBody,
    CheckView,
    FundsBody,
    MissionConnectionBody,
    RockConnectionBody,
    RockRmsView,
    TraceBody,
)
from functions.domain.views import ProjectView
from functions.triggers.edge import Routes
from functions.triggers.edge_call import OperatorCall
from migrate_contract.errors import ErrorCode
from migrate_contract.wire import ProjectId

routes = Routes("rockrms")

CHECK_REFUSALS = (
    ErrorCode.AGENT_OFFLINE,
    ErrorCode.AGENT_CHECK_RUNNING,
    ErrorCode.AGENT_OF_ANOTHER_CLIENT,
    ErrorCode.AGENT_REVOKED,
    ErrorCode.CHANGED_MEANWHILE,
)
MISSION_REFUSALS = (
    ErrorCode.MISSION_URL_REFUSED,
    ErrorCode.KEY_VAULT_UNAVAILABLE,
    ErrorCode.CUSTOMER_SIGN_IN_MISSING,
)


@routes.operator("GET", "api/projects/{project_id}/rockrms", role=Role.READER)
def rockrms_show(call: OperatorCall, project_id: ProjectId) -> RockRmsView:
    """Show what the project knows of RockRMS and Mission: connections, the last checks, funds, and what is missing."""
    return call.services.rock.overview(call.caller, project_id)


@routes.operator("PUT", "api/projects/{project_id}/mission-connection", role=Role.OPERATOR, refusals=MISSION_REFUSALS)
def rockrms_connect_mission(call: OperatorCall, project_id: ProjectId, body: MissionConnectionBody) -> ProjectView:
    """Connect the project to Mission, or replace its integration key, which is never shown again."""
    return call.services.missions.connect(call.caller, project_id, body)


@routes.operator("DELETE", "api/projects/{project_id}/mission-connection", role=Role.OPERATOR)
def rockrms_disconnect_mission(call: OperatorCall, project_id: ProjectId) -> ProjectView:
    """Disconnect Mission: the integration key is destroyed."""
    return call.services.missions.disconnect(call.caller, project_id)


@routes.operator(
    "PUT",
    "api/projects/{project_id}/rockrms-connection",
    role=Role.OPERATOR,
    refusals=(*CHECK_REFUSALS, ErrorCode.SEALING_KEY_MISSING, ErrorCode.SEALED_TEXT_UNREADABLE),
)
def rockrms_keep(call: OperatorCall, project_id: ProjectId, body: RockConnectionBody) -> CheckView:
    """Give an agent the connection string to keep: it is sealed to the agent's key at once, and kept nowhere else."""
    return call.services.rock.keep(call.caller, project_id, body)


@routes.operator(
    "POST", "api/projects/{project_id}/rockrms-connection/forget", role=Role.OPERATOR, refusals=CHECK_REFUSALS
)
def rockrms_forget(call: OperatorCall, project_id: ProjectId, body: AgentChoiceBody) -> CheckView:
    """Let an agent destroy the connection string that it keeps."""
    return call.services.rock.forget(call.caller, project_id, body)


@routes.operator("POST", "api/projects/{project_id}/rockrms-test", role=Role.OPERATOR, refusals=CHECK_REFUSALS)
def rockrms_test(call: OperatorCall, project_id: ProjectId, body: AgentChoiceBody) -> CheckView:
    """Test the RockRMS connection: the agent does it with its next heartbeat, and the project shows what it found."""
    return call.services.rock.test_rockrms(call.caller, project_id, body)


@routes.operator(
    "POST",
    "api/projects/{project_id}/mission-test",
    role=Role.OPERATOR,
    refusals=(*CHECK_REFUSALS, ErrorCode.NO_MISSION_CONNECTION),
)
def rockrms_test_mission(call: OperatorCall, project_id: ProjectId, body: AgentChoiceBody) -> CheckView:
    """Test Mission from the agent's machine: reach, key, organization and contract version."""
    return call.services.rock.test_mission(call.caller, project_id, body)


@routes.operator(
    "POST",
    "api/projects/{project_id}/trace",
    role=Role.OPERATOR,
    refusals=(*CHECK_REFUSALS, ErrorCode.NO_MISSION_CONNECTION),
)
def rockrms_trace(call: OperatorCall, project_id: ProjectId, body: TraceBody) -> CheckView:
    """Follow one record from RockRMS to Mission: its values, the rules that acted, its batch, and Mission's copy."""
    return call.services.rock.trace(call.caller, project_id, body)


@routes.operator("PUT", "api/projects/{project_id}/funds", role=Role.OPERATOR)
def rockrms_funds(call: OperatorCall, project_id: ProjectId, body: FundsBody) -> RockRmsView:
    """Choose which fund in Mission each account of RockRMS becomes; later attempts go by it."""
    call.services.funds.choose(call.caller, project_id, body)
    return call.services.rock.overview(call.caller, project_id)
