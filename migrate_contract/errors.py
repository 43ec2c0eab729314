"""The error catalogue: every way in which OneMigrate refuses or fails, with its cause in words and its fix.

Three classes say what to do (`Retryable`, `Fatal`, `SkipRecord`); one code says what happened. The same words are
read by the CLI, the dashboard, mail and the API. docs/errors.md is generated from here.

Terms: *title* says what happened; *detail* (given where the error is raised) says which; *fix* is an imperative that
a tired person can follow; *fault* says who has to act.
"""

from __future__ import annotations

from enum import StrEnum, unique

from migrate_contract.error_entry import Entry as Entry  # noqa: PLC0414 - also known by this name
from migrate_contract.error_entry import Fault as Fault  # noqa: PLC0414 - also known by this name
from migrate_contract.errors_rockrms import ROCKRMS_ENTRIES


@unique
class ErrorCode(StrEnum):
    """Stable identifiers. Raised where the name says; never reused for another meaning."""

    # The edge of the API
    REQUEST_MALFORMED = "request-malformed"
    REQUEST_INVALID = "request-invalid"
    BODY_TOO_LARGE = "body-too-large"
    NOT_FOUND = "not-found"
    SIGN_IN_REQUIRED = "sign-in-required"
    NOT_A_MEMBER = "not-a-member"
    ROLE_INSUFFICIENT = "role-insufficient"
    CSRF_REFUSED = "csrf-refused"
    CHANGED_MEANWHILE = "changed-meanwhile"
    INTERNAL = "internal-error"
    STORAGE_UNAVAILABLE = "storage-unavailable"
    SETTINGS_INVALID = "settings-invalid"
    # Registration and agent keys
    REGISTRATION_CODE_UNKNOWN = "registration-code-unknown"
    REGISTRATION_CODE_USED = "registration-code-used"
    REGISTRATION_CODE_EXPIRED = "registration-code-expired"
    REGISTRATION_CODE_REVOKED = "registration-code-revoked"
    REGISTRATION_THROTTLED = "registration-throttled"
    AGENT_KEY_MISSING = "agent-key-missing"
    AGENT_KEY_INVALID = "agent-key-invalid"
    AGENT_KEY_EXPIRED = "agent-key-expired"
    AGENT_REVOKED = "agent-revoked"
    AGENT_CLONED = "agent-cloned"
    SESSION_SUPERSEDED = "session-superseded"
    ATTEMPT_SUPERSEDED = "attempt-superseded"
    # Clients, projects, jobs
    AGENT_OF_ANOTHER_CLIENT = "agent-of-another-client"
    JOB_STATE_CONFLICT = "job-state-conflict"
    JOB_STARTED = "job-started"
    JOB_WORKING = "job-working"
    DESTINATION_OVERLAP = "destination-overlap"
    CONTAINER_OF_ANOTHER_CLIENT = "container-of-another-client"
    PROJECT_NOT_EMPTY = "project-not-empty"
    PROJECT_CLOSED = "project-closed"
    CLIENT_NOT_EMPTY = "client-not-empty"
    NO_AZURE_CONNECTION = "NO_AZURE_CONNECTION"
    AZURE_CREDENTIALS_EXPIRED = "azure-credentials-expired"
    IDENTITY_MISCONFIGURED = "identity-misconfigured"
    IDENTITY_UNAVAILABLE = "identity-unavailable"
    CLIENT_SECRET_EXPIRING = "client-secret-expiring"  # noqa: S105 - a code
    # The sign-in to the customer's account
    CUSTOMER_SIGN_IN_MISSING = "customer-sign-in-missing"
    SIGN_IN_STATE_LOST = "sign-in-state-lost"
    SIGN_IN_EXPIRED = "sign-in-expired"
    SIGN_IN_REFUSED = "sign-in-refused"
    AZURE_CONSENT_DENIED = "azure-consent-denied"
    AZURE_APPROVAL_NEEDED = "azure-approval-needed"
    AZURE_WRONG_TENANT = "azure-wrong-tenant"
    AZURE_ACCOUNT_INVALID = "azure-account-invalid"
    AZURE_ACCOUNT_NOT_FOUND = "azure-account-not-found"
    AZURE_ACCOUNT_DISABLED = "azure-account-disabled"
    AZURE_CONTAINER_INVALID = "azure-container-invalid"
    AZURE_FIREWALL = "azure-firewall"
    AZURE_ROLE_MISSING = "azure-role-missing"
    AZURE_ROLE_SCOPE = "azure-role-scope"
    AZURE_ROLE_WAIT = "azure-role-wait"
    SECRET_UNREADABLE = "secret-unreadable"  # noqa: S105 - a code
    KEY_VAULT_UNAVAILABLE = "key-vault-unavailable"
    DEPLOYMENT_STORAGE_MISSING = "deployment-storage-missing"
    GRANT_REFUSED = "grant-refused"
    DISPATCH_POISONED = "dispatch-poisoned"
    JOB_UNDELIVERED = "job-undelivered"
    SCAN_STALLED = "scan-stalled"
    AGENT_OFFLINE = "agent-offline"
    COMMAND_UNKNOWN = "command-unknown"
    JOB_TYPE_CONFLICT = "job-type-conflict"
    SCHEDULE_INVALID = "schedule-invalid"
    MIRROR_NOT_PREVIEWED = "mirror-not-previewed"
    CONFIRMATION_MISMATCH = "confirmation-mismatch"
    # Links for customers
    CUSTOMER_LINK_UNKNOWN = "customer-link-unknown"
    CUSTOMER_LINK_DONE = "customer-link-done"
    CUSTOMER_LINK_REVOKED = "customer-link-revoked"
    CUSTOMER_LINK_EXPIRED = "customer-link-expired"
    # The agent's own machine
    CONFIG_INVALID = "config-invalid"
    NOT_REGISTERED = "not-registered"
    ALREADY_REGISTERED = "already-registered"
    ALREADY_RUNNING = "already-running"
    NOT_RUNNING = "not-running"
    SERVICE_UNSUPPORTED = "service-unsupported"
    CONTROL_PLANE_UNREACHABLE = "control-plane-unreachable"
    TLS_NOT_TRUSTED = "tls-not-trusted"
    PROXY_REFUSED = "proxy-refused"
    CLOCK_SKEWED = "clock-skewed"
    HOST_NOT_FOUND = "host-not-found"
    PORT_BLOCKED = "port-blocked"
    PORT_REFUSED = "port-refused"
    SERVICE_NOT_INSTALLED = "service-not-installed"
    DISK_NEARLY_FULL = "disk-nearly-full"
    UPLOAD_SLOW = "upload-slow"
    ZONE_UNKNOWN = "zone-unknown"
    JOURNAL_UNREADABLE = "journal-unreadable"
    DISK_FULL = "disk-full"
    # A copy as a whole
    SOURCE_NOT_FOUND = "source-not-found"
    SOURCE_NOT_READABLE = "source-not-readable"
    SOURCE_MAPPED_DRIVE = "source-mapped-drive"
    SHARE_SIGN_IN_FAILED = "share-sign-in-failed"
    TARGET_UNREACHABLE = "target-unreachable"
    TARGET_CONTAINER_MISSING = "target-container-missing"
    TARGET_ACCESS_DENIED = "target-access-denied"
    SAS_URL_INVALID = "sas-url-invalid"
    MANIFEST_NOT_READABLE = "manifest-not-readable"
    MANIFEST_INVALID = "manifest-invalid"
    INTERRUPTED = "interrupted"
    # One file
    FILTERED_OUT = "filtered-out"
    MANIFEST_PATH_MISSING = "manifest-path-missing"
    SYMLINK_SKIPPED = "symlink-skipped"
    SYMLINK_BROKEN = "symlink-broken"
    SYMLINK_CYCLE = "symlink-cycle"
    SPECIAL_FILE = "special-file"
    NAME_UNSUPPORTED = "name-unsupported"
    NAME_COLLISION = "name-collision"
    NAME_RESERVED = "name-reserved"
    HARD_LINK = "hard-link"
    FOLDER_EMPTY = "folder-empty"
    STREAM_NOT_CARRIED = "stream-not-carried"
    PERMISSIONS_NOT_CARRIED = "permissions-not-carried"
    SOURCE_CHANGED = "source-changed"
    SOURCE_LOCKED = "source-locked"
    SOURCE_DENIED = "source-denied"
    SOURCE_VANISHED = "source-vanished"
    SOURCE_OFFLINE = "source-offline"
    SOURCE_READ_FAILED = "source-read-failed"
    TARGET_EXISTS = "target-exists"
    TARGET_KEPT = "target-kept"
    TARGET_CHANGED = "target-changed"
    TARGET_ARCHIVED = "target-archived"
    TARGET_BUSY = "target-busy"
    TARGET_REFUSED = "target-refused"
    TRANSIT_CORRUPTED = "transit-corrupted"
    VERIFY_MISMATCH = "verify-mismatch"
    TIER_NOT_SET = "tier-not-set"
    # A mirror
    MIRROR_BRAKE = "mirror-brake"
    MIRROR_SCAN_INCOMPLETE = "mirror-scan-incomplete"
    MIRROR_PREVIEW = "mirror-preview"
    MIRROR_KEPT = "mirror-kept"
    # Events and webhooks
    WEBHOOK_URL_REFUSED = "webhook-url-refused"
    WEBHOOK_ADDRESS_REFUSED = "webhook-address-refused"
    WEBHOOK_HOST_UNKNOWN = "webhook-host-unknown"
    WEBHOOK_UNREACHABLE = "webhook-unreachable"
    WEBHOOK_TLS_NOT_TRUSTED = "webhook-tls-not-trusted"
    WEBHOOK_NOT_ACCEPTED = "webhook-not-accepted"
    WEBHOOK_LIMIT_REACHED = "webhook-limit-reached"
    SIGN_IN_FAILING = "sign-in-failing"
    # Mail
    MAIL_NOT_SET_UP = "mail-not-set-up"
    MAIL_OVER_QUOTA = "mail-over-quota"
    MAIL_UNAVAILABLE = "mail-unavailable"
    MAIL_NOT_ACCEPTED = "mail-not-accepted"
    MAIL_REFUSED = "mail-refused"
    MAIL_BOUNCED = "mail-bounced"
    MAIL_LINK_INVALID = "mail-link-invalid"
    MAIL_NO_RECIPIENT = "mail-no-recipient"
    # The RockRMS database
    SQL_CONNECTION_STRING_INVALID = "sql-connection-string-invalid"
    SQL_HOST_NOT_FOUND = "sql-host-not-found"
    SQL_INSTANCE_NOT_FOUND = "sql-instance-not-found"
    SQL_REFUSED = "sql-refused"
    SQL_TIMEOUT = "sql-timeout"
    NOT_A_SQL_SERVER = "not-a-sql-server"
    SQL_ENCRYPTION_REFUSED = "sql-encryption-refused"
    SQL_CERTIFICATE_UNTRUSTED = "sql-certificate-untrusted"
    SQL_LOGIN_FAILED = "sql-login-failed"
    SQL_DATABASE_NOT_FOUND = "sql-database-not-found"
    SQL_NO_READ_PERMISSION = "sql-no-read-permission"
    NOT_A_ROCKRMS_DATABASE = "not-a-rockrms-database"
    SQL_CONNECTION_LOST = "sql-connection-lost"
    SQL_QUERY_REFUSED = "sql-query-refused"
    NO_ROCKRMS_CONNECTION = "no-rockrms-connection"
    SEALING_KEY_MISSING = "sealing-key-missing"
    SEALED_TEXT_UNREADABLE = "sealed-text-unreadable"
    SECRET_STORE_UNAVAILABLE = "secret-store-unavailable"  # noqa: S105 - a code
    # Mission
    NO_MISSION_CONNECTION = "NO_MISSION_CONNECTION"
    MISSION_URL_REFUSED = "mission-url-refused"
    MISSION_KEY_REVOKED = "mission-key-revoked"
    MISSION_UNREACHABLE = "mission-unreachable"
    MISSION_TLS_NOT_TRUSTED = "mission-tls-not-trusted"
    MISSION_NOT_FOUND = "mission-not-found"
    MISSION_CONTRACT_UNKNOWN = "mission-contract-unknown"
    MISSION_BUSY = "mission-busy"
    MISSION_ANSWER_UNREADABLE = "mission-answer-unreadable"
    MISSION_BATCH_REFUSED = "mission-batch-refused"
    MISSION_RECORD_REFUSED = "mission-record-refused"
    MISSION_READBACK_MISSING = "mission-readback-missing"
    # The import
    IMPORT_UNFINISHED = "import-unfinished"
    IMPORT_REPORT_MISSING = "import-report-missing"
    AGENT_CHECK_RUNNING = "agent-check-running"
    AGENT_CHECK_TIMEOUT = "agent-check-timeout"
    FINANCIAL_MISMATCH = "financial-mismatch"
    RECORDS_ERRORED = "records-errored"
    FUND_MISSING = "fund-missing"
    PERSON_REFERENCE_MISSING = "person-reference-missing"
    GROUP_REFERENCE_MISSING = "group-reference-missing"
    COPY_DIFFERS = "copy-differs"
    COPY_MISSING = "copy-missing"
    COPY_DOUBLED = "copy-doubled"
    PERSON_UNNAMED = "person-unnamed"
    EMAIL_INVALID = "email-invalid"
    EMAIL_SHARED = "email-shared"
    PHONE_MALFORMED = "phone-malformed"
    BIRTH_DATE_INVALID = "birth-date-invalid"
    GIFT_NOT_POSITIVE = "gift-not-positive"
    GIFT_DATE_MISSING = "gift-date-missing"
    FOREIGN_CURRENCY = "foreign-currency"
    NO_PERSON_ALIAS = "no-person-alias"
    RECORD_TYPE_NOT_MOVED = "record-type-not-moved"
    RECORD_TYPE_MISSING = "record-type-missing"
    PERSON_ANONYMOUS = "person-anonymous"
    PERSON_MERGED = "person-merged"
    FAMILY_ARCHIVED = "family-archived"
    FAMILY_OF_NOBODY = "family-of-nobody"
    GROUP_CLOSED = "group-closed"
    GIFT_UNDATED = "gift-undated"
    RECORD_NOT_IN_SCOPE = "record-not-in-scope"
    ATTENDANCE_DOUBLED = "attendance-doubled"
    ATTENDANCE_WITHOUT_PERSON = "attendance-without-person"
    MEMBERSHIP_DOUBLED = "membership-doubled"
    GROUP_REPARENTED = "group-reparented"
    ADDRESS_AMBIGUOUS = "address-ambiguous"
    IMPORT_JOURNAL_UNREADABLE = "import-journal-unreadable"


_C, _O, _T, _B = Fault.CUSTOMER, Fault.OPERATOR, Fault.TRANSIENT, Fault.BUG
_E = ErrorCode

CATALOGUE: dict[ErrorCode, Entry] = {
    _E.REQUEST_MALFORMED: Entry(
        "Request is not readable", "Send well-formed JSON in UTF-8, an object at the top.", _B, 400
    ),
    _E.REQUEST_INVALID: Entry(
        "Request has wrong values", "Correct the fields listed under `errors` and send it again.", _O, 400
    ),
    _E.BODY_TOO_LARGE: Entry("Request body is too large", "Send less at once; the detail names the limit.", _B, 413),
    _E.NOT_FOUND: Entry(
        "Not found",
        "Check the address or the id; it may have been deleted, or belong to somebody else.",
        _O,
        404,
    ),
    _E.SIGN_IN_REQUIRED: Entry("Sign-in required", "Sign in with your Microsoft work account and try again.", _O, 401),
    _E.NOT_A_MEMBER: Entry(
        "You are not a member here",
        "Ask an administrator of this deployment to add you as a member.",
        _O,
        403,
    ),
    _E.ROLE_INSUFFICIENT: Entry(
        "Your role does not allow this", "Ask an administrator for the role named in the detail.", _O, 403
    ),
    _E.CSRF_REFUSED: Entry("The form was not sent from this site", "Reload the page and send the form again.", _O, 403),
    _E.CHANGED_MEANWHILE: Entry(
        "Somebody else changed this meanwhile",
        "Reload, look at the change, and try again.",
        _T,
        409,
        retryable=True,
    ),
    _E.INTERNAL: Entry(
        "Something broke on our side",
        "Try again; if it happens twice, send the correlation id to support.",
        _B,
        500,
        retryable=True,
    ),
    _E.STORAGE_UNAVAILABLE: Entry(
        "The control plane's storage does not answer",
        "Wait a minute and try again; if it lasts, check the storage account's health and network rules.",
        _T,
        503,
        retryable=True,
    ),
    _E.SETTINGS_INVALID: Entry(
        "A setting is missing or wrong",
        "Correct the app setting named in the detail and restart the app.",
        _O,
        500,
    ),
    _E.REGISTRATION_CODE_UNKNOWN: Entry(
        "Registration code unknown",
        "Check the code for typing errors, or generate a new one on the Agents page.",
        _C,
        404,
    ),
    _E.REGISTRATION_CODE_USED: Entry(
        "Registration code already used",
        "Look for the agent in the Agents list: if it is there, no action is needed. Otherwise generate a new code.",
        _C,
        409,
    ),
    _E.REGISTRATION_CODE_EXPIRED: Entry(
        "Registration code expired",
        "Generate a fresh code on the Agents page and use it within 24 hours; a code works once.",
        _C,
        410,
    ),
    _E.REGISTRATION_CODE_REVOKED: Entry(
        "Registration code revoked", "Generate a new code on the Agents page.", _C, 410
    ),
    _E.REGISTRATION_THROTTLED: Entry(
        "Too many wrong registration codes from this address",
        "Wait for the time named in Retry-After, then use a fresh code.",
        _C,
        429,
        retryable=True,
    ),
    _E.AGENT_KEY_MISSING: Entry(
        "Agent key missing",
        "Send the agent's key in the X-Agent-Key header; register the agent if it has none.",
        _C,
        401,
    ),
    _E.AGENT_KEY_INVALID: Entry(
        "Agent key not accepted",
        "Register the agent again with a new code: migrate-agent --register CODE.",
        _C,
        401,
    ),
    _E.AGENT_KEY_EXPIRED: Entry(
        "Agent key was replaced by a newer one",
        "Register the agent again with a new code; an old backup of its key no longer works.",
        _C,
        401,
    ),
    _E.AGENT_REVOKED: Entry(
        "Agent was revoked by an operator",
        "If this machine should go on migrating, register it again with a new code.",
        _C,
        403,
    ),
    _E.AGENT_CLONED: Entry(
        "Two machines use the same agent",
        "Stop one of them and register it with a code of its own, then lift the suspension on the agent's page.",
        _O,
        409,
    ),
    _E.SESSION_SUPERSEDED: Entry(
        "A newer process of this agent has taken over",
        "Nothing to do if you restarted the agent. Otherwise find the other machine or process that uses its key.",
        _C,
        409,
    ),
    _E.ATTEMPT_SUPERSEDED: Entry(
        "This attempt of the job is over",
        "Nothing to do: the job was rerun, reassigned or ended; the agent stops working on the old attempt.",
        _T,
        409,
    ),
    _E.AGENT_OF_ANOTHER_CLIENT: Entry(
        "The agent belongs to another client", "Choose an agent of the project's own client.", _O, 409
    ),
    _E.JOB_STATE_CONFLICT: Entry(
        "The job's state does not allow this",
        "Reload the job; the detail says in which states this is possible.",
        _O,
        409,
    ),
    _E.JOB_STARTED: Entry(
        "The job has started already", "Cancel it and duplicate it, or rerun it with other settings.", _O, 409
    ),
    _E.JOB_WORKING: Entry("The job is at work", "Cancel it first, and wait until it shows cancelled.", _O, 409),
    _E.DESTINATION_OVERLAP: Entry(
        "Another unfinished job writes to this destination",
        "Choose another prefix, or wait until the job named in the detail has ended.",
        _O,
        409,
    ),
    _E.CONTAINER_OF_ANOTHER_CLIENT: Entry(
        "The container belongs to another client",
        "Choose a container name that is this client's own.",
        _O,
        409,
    ),
    _E.PROJECT_NOT_EMPTY: Entry("The project still has jobs", "Delete its jobs first.", _O, 409),
    _E.PROJECT_CLOSED: Entry("The project is closed", "Reopen the project, or create the job in another one.", _O, 409),
    _E.CLIENT_NOT_EMPTY: Entry(
        "The client still has projects or agents", "Delete its projects and revoke its agents first.", _O, 409
    ),
    _E.NO_AZURE_CONNECTION: Entry(
        "Project has no Azure connection",
        "Open the project, connect Azure Storage, then rerun the job.",
        _O,
        409,
    ),
    _E.AZURE_CREDENTIALS_EXPIRED: Entry(
        "Azure credentials expired — re-authenticate via dashboard",
        "Open the project, choose Reconnect Azure Storage, sign in with an account that has Storage Blob Data "
        "Contributor on the storage account, choose Save, then rerun the jobs that failed for this.",
        _C,
        409,
    ),
    _E.IDENTITY_MISCONFIGURED: Entry(
        "Microsoft refuses this deployment's own app registration",
        "Compare the consent app's client id and secret in the app settings with its registration in Entra ID; put in "
        "a new secret if the old one has ended. The customers have nothing to do.",
        _O,
        502,
    ),
    _E.IDENTITY_UNAVAILABLE: Entry(
        "Microsoft's sign-in service does not answer",
        "Nothing to do: it is tried again by itself. If it lasts, check the app's outbound network and DNS.",
        _T,
        503,
        retryable=True,
    ),
    _E.CLIENT_SECRET_EXPIRING: Entry(
        "The consent app's client secret ends soon",
        "Make a new client secret in the app registration, put it and its end into the app settings, and restart.",
        _O,
        409,
    ),
    _E.CUSTOMER_SIGN_IN_MISSING: Entry(
        "This deployment cannot sign customers in",
        "Register the consent app in Entra ID, then set ONEMIGRATE_CONSENT_CLIENT_ID, ONEMIGRATE_CONSENT_CLIENT_SECRET "
        "and ONEMIGRATE_KEY_VAULT_KEY, and restart the app.",
        _O,
        409,
    ),
    _E.SIGN_IN_STATE_LOST: Entry(
        "This sign-in is not known here, or was used already",
        "Go back to the page on which you began, and choose Sign in with Microsoft again, in this same browser.",
        _C,
        409,
    ),
    _E.SIGN_IN_EXPIRED: Entry(
        "The sign-in took too long",
        "Go back to the page on which you began, choose Sign in with Microsoft again, and finish it without a break.",
        _C,
        409,
    ),
    _E.SIGN_IN_REFUSED: Entry(
        "Microsoft did not let this person sign in",
        "Give Microsoft's reason in the detail to the administrator of the storage account's tenant, or sign in as "
        "somebody else.",
        _C,
        409,
    ),
    _E.AZURE_CONSENT_DENIED: Entry(
        "The permission to use Azure Storage was not given",
        "Sign in again and choose Accept when Microsoft asks: without it no file can be copied.",
        _C,
        409,
    ),
    _E.AZURE_APPROVAL_NEEDED: Entry(
        "An administrator of the storage account's tenant has to approve OneMigrate first",
        "Send the approval link to an administrator of that tenant; when it is approved, sign in again.",
        _C,
        409,
    ),
    _E.AZURE_WRONG_TENANT: Entry(
        "This person does not belong to the storage account's tenant",
        "Sign in with an account of the tenant named in the detail, or have an administrator there invite this person "
        "as a guest.",
        _C,
        409,
    ),
    _E.AZURE_ACCOUNT_INVALID: Entry(
        "This cannot be the name of a storage account",
        "Type the storage account's name as the Azure portal shows it: 3 to 24 lower-case letters and digits.",
        _C,
        400,
    ),
    _E.AZURE_ACCOUNT_NOT_FOUND: Entry(
        "There is no such storage account",
        "Compare the name with the one in the Azure portal, and type it again. A new account takes some minutes to be "
        "known.",
        _C,
        404,
    ),
    _E.AZURE_ACCOUNT_DISABLED: Entry(
        "The storage account is disabled",
        "Enable the account's subscription in the Azure portal, then try again.",
        _C,
        409,
    ),
    _E.AZURE_CONTAINER_INVALID: Entry(
        "This cannot be the name of a container",
        "Type 3 to 63 lower-case letters, digits and single dashes.",
        _C,
        400,
    ),
    _E.AZURE_FIREWALL: Entry(
        "The storage account's firewall does not let us in",
        "In the Azure portal open the storage account, Networking, and allow the addresses named in the detail; then "
        "try again in a minute.",
        _C,
        409,
    ),
    _E.AZURE_ROLE_MISSING: Entry(
        "The role on the storage account is missing",
        "Assign the role Storage Blob Data Contributor on the storage account to the person named in the detail. A new "
        "assignment takes up to 10 minutes to act: then try again.",
        _C,
        409,
    ),
    _E.AZURE_ROLE_SCOPE: Entry(
        "The role is on the container only",
        "Assign the role Storage Blob Delegator on the storage account to the person named in the detail, beside the "
        "role on the container. A new assignment takes up to 10 minutes to act: then try again.",
        _C,
        409,
    ),
    _E.AZURE_ROLE_WAIT: Entry(
        "The storage account does not let the signed-in person in yet",
        "Nothing to do if the role was assigned just now: it is tried again for 10 minutes. Otherwise assign Storage "
        "Blob Data Contributor on the storage account to the person named in the detail.",
        _C,
        503,
        retryable=True,
    ),
    _E.SECRET_UNREADABLE: Entry(
        "A stored secret cannot be decrypted",
        "Give the app its key back (the detail names it): enable that version in Key Vault, or restore the key file. "
        "If the key is lost, connect the project again.",
        _O,
        500,
    ),
    _E.KEY_VAULT_UNAVAILABLE: Entry(
        "The key vault does not answer",
        "Nothing to do: it is tried again by itself. If it lasts, check the vault's network rules and that the app's "
        "identity has the role Key Vault Crypto User.",
        _T,
        503,
        retryable=True,
    ),
    _E.DEPLOYMENT_STORAGE_MISSING: Entry(
        "This deployment has no storage account for data",
        "Set the app setting named in the detail, or connect the customer's own account.",
        _O,
        409,
    ),
    _E.GRANT_REFUSED: Entry(
        "Access to the destination is not given",
        "The detail says why; resume or rerun the job if it should go on.",
        _O,
        409,
    ),
    _E.DISPATCH_POISONED: Entry(
        "A start message failed repeatedly",
        "Nothing is lost: the sweep sends it again. Look at the alert's copy of the message and the log of that time.",
        _B,
        500,
        retryable=True,
    ),
    _E.JOB_UNDELIVERED: Entry(
        "The job has not reached its agent for 10 minutes",
        "Start the agent (migrate-agent start --service), or reassign the job to an agent that is online.",
        _O,
        409,
    ),
    _E.SCAN_STALLED: Entry(
        "Scanning for 30 minutes without progress",
        "Check that the source answers on the agent's machine, and read the agent's log: migrate-agent logs.",
        _C,
        409,
    ),
    _E.AGENT_OFFLINE: Entry(
        "Agent is offline",
        "Start it: migrate-agent start --service (Windows: the service named on the agent's page); "
        "from its machine test: curl <api>/api/health.",
        _C,
        409,
    ),
    _E.COMMAND_UNKNOWN: Entry(
        "The agent does not know this command",
        "Update the agent: its version is older than the control plane.",
        _C,
        409,
    ),
    _E.CUSTOMER_LINK_UNKNOWN: Entry(
        "This link leads nowhere",
        "Open it again straight from the mail, or copy it whole. If that does not help, ask for a new link.",
        _C,
        404,
    ),
    _E.CUSTOMER_LINK_DONE: Entry(
        "Azure Storage is connected already",
        "Nothing to do: you can close this page. If you got another mail since, open the link in that one.",
        _C,
        410,
    ),
    _E.CUSTOMER_LINK_REVOKED: Entry(
        "This link was withdrawn",
        "Ask the people who run your migration for a new link.",
        _C,
        410,
    ),
    _E.CUSTOMER_LINK_EXPIRED: Entry(
        "This link is too old",
        "Ask the people who run your migration for a new link.",
        _C,
        410,
    ),
    _E.CONFIG_INVALID: Entry(
        "The agent's configuration is not valid", "Correct the entry named in the detail.", _C, 400
    ),
    _E.NOT_REGISTERED: Entry(
        "This agent is not registered",
        "Run: migrate-agent --register CODE (a code is on the Agents page).",
        _C,
        401,
    ),
    _E.ALREADY_REGISTERED: Entry(
        "This agent is registered already",
        "Nothing to do; to move it to another client run migrate-agent unregister first.",
        _C,
        409,
    ),
    _E.ALREADY_RUNNING: Entry(
        "The agent is running already",
        "Nothing to do; migrate-agent status shows it, migrate-agent stop ends it.",
        _C,
        409,
    ),
    _E.NOT_RUNNING: Entry(
        "The agent is not running",
        "Start it: migrate-agent start, or migrate-agent start --service.",
        _C,
        409,
    ),
    _E.SERVICE_UNSUPPORTED: Entry(
        "No service manager to install into", "Run migrate-agent start under your own supervisor.", _C, 400
    ),
    _E.CONTROL_PLANE_UNREACHABLE: Entry(
        "The control plane does not answer",
        "Allow outbound HTTPS from this machine to the host in the detail; test: curl <api>/api/health.",
        _C,
        503,
        retryable=True,
    ),
    _E.TLS_NOT_TRUSTED: Entry(
        "The server's certificate is not trusted",
        "If a proxy inspects TLS, install its root certificate on this machine or set ca_bundle to its file.",
        _C,
        502,
    ),
    _E.PROXY_REFUSED: Entry(
        "The proxy refused the connection",
        "Check the proxy's address and credentials, and allow the host in the detail.",
        _C,
        502,
    ),
    _E.CLOCK_SKEWED: Entry(
        "The machine's clock is off", "Turn on time synchronisation; transfers go on meanwhile.", _C, 400
    ),
    _E.HOST_NOT_FOUND: Entry(
        "The host's name is not known",
        "Check the name for a typing error, and this machine's DNS server; test: nslookup <host>.",
        _C,
        502,
    ),
    _E.PORT_BLOCKED: Entry(
        "The host does not answer on its port",
        "Allow outbound TCP from this machine to the host and port in the detail, or set the proxy that leads out "
        "(HTTPS_PROXY, or [network] proxy in agent.toml).",
        _C,
        504,
    ),
    _E.PORT_REFUSED: Entry(
        "The host refuses the connection",
        "Check the address and the port; something between may refuse it in the host's name.",
        _C,
        502,
    ),
    _E.SERVICE_NOT_INSTALLED: Entry(
        "The agent is not installed as a service", "Run migrate-agent start --service.", _C, 409
    ),
    _E.DISK_NEARLY_FULL: Entry(
        "The disk of the agent's journal is nearly full",
        "Free a gigabyte there, or move the state folder ([agent] state_dir in agent.toml).",
        _C,
        507,
    ),
    _E.UPLOAD_SLOW: Entry(
        "Uploads from this machine are very slow",
        "Ask who looks after the line for its upload speed and for limits; a wired connection helps, and a copy "
        "goes on where it was cut off.",
        _C,
        400,
    ),
    _E.ZONE_UNKNOWN: Entry(
        "The schedule's time zone is not known on this machine",
        "Update the agent, or this machine's time zone data; until then the lowest limit of the schedule holds all the "
        "time.",
        _C,
        400,
    ),
    _E.JOURNAL_UNREADABLE: Entry(
        "The agent's journal is damaged",
        "Move the file named in the detail away and start the agent: jobs are taken up again without sending verified "
        "files twice.",
        _C,
        500,
    ),
    _E.DISK_FULL: Entry(
        "No space left for the agent's journal",
        "Free space on the disk named in the detail; the job goes on by itself.",
        _C,
        507,
        retryable=True,
    ),
    _E.SOURCE_NOT_FOUND: Entry(
        "Source folder not found",
        "Check the path on the agent's machine, and that the share is mounted there.",
        _C,
        404,
    ),
    _E.SOURCE_NOT_READABLE: Entry(
        "Source folder cannot be read",
        "Give the agent's account (see the agent's page) read access to it.",
        _C,
        403,
    ),
    _E.SOURCE_MAPPED_DRIVE: Entry(
        "The source is on a mapped drive of somebody's session",
        "Give the source as a UNC path (\\\\server\\share\\folder), and the agent's account read access to the share.",
        _C,
        400,
    ),
    _E.SHARE_SIGN_IN_FAILED: Entry(
        "The share refused the user that is kept for it",
        "Correct it on the agent's machine: migrate-agent share add, with a user who may read the share.",
        _C,
        403,
    ),
    _E.TARGET_UNREACHABLE: Entry(
        "No connection to the destination",
        "Allow outbound HTTPS to the host in the detail; the job goes on by itself.",
        _C,
        503,
        retryable=True,
    ),
    _E.TARGET_CONTAINER_MISSING: Entry(
        "The destination container does not exist",
        "Rerun the job: the control plane creates the container. For a single copy, create it first.",
        _O,
        404,
    ),
    _E.TARGET_ACCESS_DENIED: Entry(
        "The destination refused access",
        "Check the account's firewall and that the signature allows create, write, list and read.",
        _O,
        403,
    ),
    _E.SAS_URL_INVALID: Entry(
        "This is not a container SAS URL",
        "Pass https://<account>.blob.core.windows.net/<container>?<signature> in quotes.",
        _C,
        400,
    ),
    _E.MANIFEST_NOT_READABLE: Entry(
        "The manifest cannot be read",
        "Put the CSV file where the job names it, on the agent's machine, readable by the account of the agent.",
        _C,
        404,
    ),
    _E.MANIFEST_INVALID: Entry(
        "The manifest is malformed",
        "Correct the line that the detail names: CSV in UTF-8, one path a row, relative to the source folder.",
        _C,
        400,
    ),
    _E.INTERRUPTED: Entry(
        "The copy was interrupted",
        "Run it again: what is verified is not sent twice.",
        _T,
        409,
        retryable=True,
    ),
    _E.FILTERED_OUT: Entry("Left out by a filter", "Change the job's filters if it should be copied.", _O, 409),
    _E.MANIFEST_PATH_MISSING: Entry(
        "The source does not have a path of the manifest",
        "Correct the path, spelt as in the source and relative to it, or take it out of the manifest; then rerun.",
        _C,
        404,
    ),
    _E.SYMLINK_SKIPPED: Entry(
        "Symbolic link not followed", "Set symlinks to `follow` if linked files should be copied.", _O, 409
    ),
    _E.SYMLINK_BROKEN: Entry("Symbolic link leads nowhere", "Repair or remove the link.", _C, 404),
    _E.SYMLINK_CYCLE: Entry(
        "Symbolic link leads back to its own folder", "Remove the link, or set symlinks to `skip`.", _C, 409
    ),
    _E.SPECIAL_FILE: Entry(
        "Not a regular file", "Nothing to do: sockets, pipes and devices have no content to copy.", _C, 409
    ),
    _E.NAME_UNSUPPORTED: Entry(
        "Blob Storage cannot hold this name",
        "Rename the file as the detail says, then rerun the job.",
        _C,
        409,
    ),
    _E.NAME_COLLISION: Entry(
        "Two names differ only by case or Unicode form",
        "Nothing to do for the copy, which has both; rename one before they are restored to Windows or macOS.",
        _C,
        409,
    ),
    _E.NAME_RESERVED: Entry(
        "Windows cannot hold this name",
        "Nothing to do for the copy, which has it; rename it before it is restored to Windows.",
        _C,
        409,
    ),
    _E.HARD_LINK: Entry(
        "One of several names of the same file",
        "Nothing to do: each name is copied as a file of its own, which takes its size again.",
        _C,
        409,
    ),
    _E.FOLDER_EMPTY: Entry(
        "Empty folder not copied",
        "Set folder markers if folders should be kept: Blob Storage has none of its own.",
        _O,
        409,
    ),
    _E.STREAM_NOT_CARRIED: Entry(
        "Alternate data stream not copied",
        "Nothing to do for the file itself; save the stream as a file if its content is needed.",
        _C,
        409,
    ),
    _E.PERMISSIONS_NOT_CARRIED: Entry(
        "Permissions of its own are not carried",
        "Nothing to do for the content; write the permissions down (icacls /save, getfacl -R) if they are needed.",
        _C,
        409,
    ),
    _E.SOURCE_CHANGED: Entry(
        "The file changed while it was being read",
        "Close the program that writes to it, then retry the failed files.",
        _C,
        409,
        retryable=True,
    ),
    _E.SOURCE_LOCKED: Entry(
        "The file is locked by another program",
        "Close the program that holds it, then retry the failed files.",
        _C,
        423,
        retryable=True,
    ),
    _E.SOURCE_DENIED: Entry(
        "No permission to read the file",
        "Give the agent's account read access, then retry the failed files.",
        _C,
        403,
    ),
    _E.SOURCE_VANISHED: Entry(
        "The file was removed during the copy",
        "Nothing to do if that was meant; otherwise restore it and rerun.",
        _C,
        404,
    ),
    _E.SOURCE_OFFLINE: Entry(
        "The file's content is not on the disk",
        "Bring it there (Explorer: Always keep on this device; Azure File Sync: Invoke-StorageSyncFileRecall), then "
        "retry the failed files.",
        _C,
        409,
    ),
    _E.SOURCE_READ_FAILED: Entry(
        "The source disk or share returned an error",
        "Check the disk or the share's connection, then retry the failed files.",
        _C,
        502,
        retryable=True,
    ),
    _E.TARGET_EXISTS: Entry(
        "The destination holds a different blob that is not ours",
        "Compare both; then rename one, choose another prefix, or set overwrite to `always`.",
        _O,
        409,
    ),
    _E.TARGET_KEPT: Entry(
        "The destination's version was kept, as the overwrite rule says",
        "Set overwrite to `always` if the source should win.",
        _O,
        409,
    ),
    _E.TARGET_CHANGED: Entry(
        "Somebody else wrote this blob during the copy",
        "Find the other writer, then retry the failed files.",
        _O,
        412,
        retryable=True,
    ),
    _E.TARGET_ARCHIVED: Entry(
        "The destination's blob is archived", "Rehydrate or delete it, then retry the failed files.", _O, 409
    ),
    _E.TARGET_BUSY: Entry("The storage service is busy", "Nothing to do: it is tried again.", _T, 503, retryable=True),
    _E.TARGET_REFUSED: Entry(
        "The storage service refused the file",
        "The detail has the service's own words; correct the cause and retry.",
        _O,
        409,
    ),
    _E.TRANSIT_CORRUPTED: Entry(
        "Bytes were damaged on the way",
        "Nothing to do: the service refused them and they are sent again.",
        _T,
        400,
        retryable=True,
    ),
    _E.VERIFY_MISMATCH: Entry(
        "The stored blob does not equal the source",
        "Retry the failed files; if it happens again, look for another writer to the container.",
        _O,
        409,
        retryable=True,
    ),
    _E.JOB_TYPE_CONFLICT: Entry(
        "This type of job has no such action",
        "Schedules, mirrors and the cutover belong to jobs of type sync: duplicate the job as one of that type.",
        _O,
        409,
    ),
    _E.SCHEDULE_INVALID: Entry(
        "Schedule cannot be used",
        "Write five fields (minute, hour, day of month, month, day of week), such as '0 2 * * *' for every night at "
        "two; runs are at least one hour apart.",
        _O,
        400,
    ),
    _E.MIRROR_NOT_PREVIEWED: Entry(
        "The mirror has no preview to confirm",
        "Rerun the job, read the list of surplus files that it ends with, then confirm.",
        _O,
        409,
    ),
    _E.CONFIRMATION_MISMATCH: Entry(
        "This is not the container's name",
        "Type the name of the destination container exactly as the job shows it.",
        _O,
        409,
    ),
    _E.TIER_NOT_SET: Entry(
        "Access tier could not be set",
        "The copy is verified. Choose a tier that the storage account supports, or rerun the job to try again.",
        _O,
        409,
    ),
    _E.MIRROR_BRAKE: Entry(
        "The mirror would delete more than it may",
        "Nothing was deleted. Look at the list of surplus files; if they are really gone from the source, raise the "
        "job's limits, confirm the mirror again and rerun.",
        _O,
        409,
    ),
    _E.MIRROR_SCAN_INCOMPLETE: Entry(
        "The mirror deletes nothing after an incomplete scan",
        "Make the folders readable that the report lists as failed, then rerun.",
        _C,
        409,
    ),
    _E.MIRROR_PREVIEW: Entry(
        "The mirror would delete this",
        "Nothing to do if that is right: confirm the mirror on the job's page. Otherwise put the file back at the "
        "source, or leave the mirror unconfirmed.",
        _O,
        409,
    ),
    _E.MIRROR_KEPT: Entry(
        "The mirror kept this blob",
        "The detail says why. Rerun the job; what is still surplus then is deleted.",
        _O,
        409,
    ),
    _E.WEBHOOK_URL_REFUSED: Entry(
        "The webhook's address cannot be used",
        "Correct the address as the detail says: https, a public host name, port 443 or 1024 and higher.",
        _O,
        400,
    ),
    _E.WEBHOOK_ADDRESS_REFUSED: Entry(
        "The webhook's host is not on the public internet",
        "Point the webhook to a host whose addresses are all public; private, loopback and link-local addresses are "
        "never called.",
        _O,
        409,
    ),
    _E.WEBHOOK_HOST_UNKNOWN: Entry(
        "The webhook's host was not found",
        "Check the spelling of the host in the webhook's address, and its record in the DNS.",
        _O,
        502,
        retryable=True,
    ),
    _E.WEBHOOK_UNREACHABLE: Entry(
        "The webhook's host does not answer",
        "Check that the receiver runs, that its firewall lets us in, and that it answers within 10 seconds.",
        _O,
        502,
        retryable=True,
    ),
    _E.WEBHOOK_TLS_NOT_TRUSTED: Entry(
        "The webhook's certificate is not trusted",
        "Install a valid certificate of a public authority for the webhook's host, with its whole chain.",
        _O,
        502,
        retryable=True,
    ),
    _E.WEBHOOK_NOT_ACCEPTED: Entry(
        "The webhook's receiver did not accept the event",
        "Make the receiver answer with a 2xx status. For a redirect (3xx) enter the final address: none is followed.",
        _O,
        502,
        retryable=True,
    ),
    _E.WEBHOOK_LIMIT_REACHED: Entry(
        "There are as many webhooks as there can be",
        "Delete a webhook that is no longer needed, or let one receiver hand the events on.",
        _O,
        409,
    ),
    _E.SIGN_IN_FAILING: Entry(
        "The sign-in to Azure fails again and again",
        "Open the project's events: each names the reason and the fix. Call the customer if they need help.",
        _C,
        409,
    ),
    _E.MAIL_NOT_SET_UP: Entry(
        "This deployment sends no mail",
        "Set ONEMIGRATE_MAIL_ENDPOINT and ONEMIGRATE_MAIL_SENDER, or ONEMIGRATE_SMTP_HOST, then send the mail again.",
        _O,
        409,
    ),
    _E.MAIL_OVER_QUOTA: Entry(
        "The mail service takes no more mail for now",
        "Nothing to do: the mail waits and is sent by itself. If this happens often, ask for a higher sending limit.",
        _T,
        503,
        retryable=True,
    ),
    _E.MAIL_UNAVAILABLE: Entry(
        "The mail service does not answer",
        "Nothing to do: the mail waits and is tried again by itself. If it lasts, check the mail service's health.",
        _T,
        503,
        retryable=True,
    ),
    _E.MAIL_NOT_ACCEPTED: Entry(
        "The mail service does not accept mail from us",
        "Check the mail settings named in the detail: the address of the service, its key or the app's role on it, "
        "and the sender's domain. Mail that waits is sent by itself afterwards.",
        _O,
        503,
        retryable=True,
    ),
    _E.MAIL_REFUSED: Entry(
        "The mail service refused this mail",
        "Read the service's reason in the detail. If it is the recipient's address, correct it among the project's "
        "recipients and send the mail again.",
        _O,
        409,
    ),
    _E.MAIL_BOUNCED: Entry(
        "A mail did not reach its recipient",
        "Correct the address among the project's recipients, or ask the recipient's mail administrator to let the "
        "sender through. Tell the customer in another way meanwhile.",
        _C,
        409,
    ),
    _E.MAIL_NO_RECIPIENT: Entry(
        "Nobody is set to get this project's mail",
        "Open the project's mail page, add the customer's address, then send the link again.",
        _O,
        409,
    ),
    _E.MAIL_LINK_INVALID: Entry(
        "This link from a mail is not whole",
        "Open the link from the mail again. If the mail shows it on two lines, copy both into the address bar.",
        _C,
        404,
    ),
    **{ErrorCode(code): entry for code, entry in ROCKRMS_ENTRIES.items()},
}


class MigrateError(Exception):
    """Root of the errors that we raise ourselves: a code and what it happened to. Never holds a secret."""

    def __init__(self, code: ErrorCode, detail: str = "", *, retry_after_seconds: float | None = None) -> None:
        self.code = code
        self.detail = detail or CATALOGUE[code].title
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"{code.value}: {self.detail}")

    @property
    def title(self) -> str:
        """Result: what happened, from the catalogue."""
        return CATALOGUE[self.code].title

    @property
    def fix(self) -> str:
        """Result: what to do, from the catalogue."""
        return CATALOGUE[self.code].fix


class Retryable(MigrateError):
    """Trying again may help: the caller's retry policy decides when."""


class Fatal(MigrateError):
    """Trying again cannot help: the request, job or command ends with this code."""


class SkipRecord(MigrateError):
    """One file or record cannot be handled; the rest goes on."""
