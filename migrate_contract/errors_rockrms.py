"""The error catalogue's section of RockRMS and Mission: words by code. A part of `migrate_contract.errors.CATALOGUE`.

Keyed by the code's text, since the codes themselves are declared beside all others; a text that is no code does not
load.
"""

from __future__ import annotations

from migrate_contract.error_entry import Entry, Fault

_C, _O, _T, _B = Fault.CUSTOMER, Fault.OPERATOR, Fault.TRANSIENT, Fault.BUG

ROCKRMS_ENTRIES: dict[str, Entry] = {
    # The RockRMS database
    "sql-connection-string-invalid": Entry(
        "The connection string cannot be read",
        "Correct the part named in the detail: an ADO.NET or ODBC connection string names a server, a database, and a"
        " user with a password.",
        _C,
        400,
    ),
    "sql-host-not-found": Entry(
        "The SQL Server's name was not found",
        "Check the server's name in the connection string; on the agent's machine test: nslookup <server>. Use the IP"
        " address if the name is not in the DNS.",
        _C,
        409,
    ),
    "sql-instance-not-found": Entry(
        "The SQL Server's named instance does not answer",
        "Start the SQL Server Browser service and let UDP port 1434 through, or write the port itself: server,port "
        "instead of server\\instance.",
        _C,
        409,
    ),
    "sql-refused": Entry(
        "The SQL Server refuses the connection",
        "Turn on TCP/IP for the instance in SQL Server Configuration Manager and restart its service; check that the "
        "service runs and that the port is right (1433 if none is named).",
        _C,
        409,
    ),
    "sql-timeout": Entry(
        "The SQL Server does not answer",
        "Allow the agent's address, named in the detail, to reach the server on its port (1433 if none is named) in "
        "every firewall between them.",
        _C,
        409,
    ),
    "not-a-sql-server": Entry(
        "What answers there is not a SQL Server",
        "Check the port in the connection string: SQL Server listens on 1433 unless it was changed.",
        _C,
        409,
    ),
    "sql-encryption-refused": Entry(
        "The SQL Server and the agent do not agree on encryption",
        "Allow TLS 1.2 on the server, or write Encrypt=false into the connection string if its network is trusted.",
        _C,
        409,
    ),
    "sql-certificate-untrusted": Entry(
        "The SQL Server's certificate is not trusted",
        "Add TrustServerCertificate=true to the connection string if the certificate is the server's own; otherwise "
        "install one that this machine trusts.",
        _C,
        409,
    ),
    "sql-login-failed": Entry(
        "The SQL Server refuses this login",
        "Check the user and the password in the connection string, and that the server allows SQL Server logins "
        "(mixed mode). migrate-agent rockrms grant-script prints what makes a login that may only read.",
        _C,
        409,
    ),
    "sql-database-not-found": Entry(
        "The SQL Server does not open this database",
        "Write the database's name exactly as SQL Server shows it, and give the login access to it.",
        _C,
        409,
    ),
    "sql-no-read-permission": Entry(
        "The login may not read the RockRMS tables",
        "Run what migrate-agent rockrms grant-script prints: it lets the login read, and nothing else.",
        _C,
        409,
    ),
    "not-a-rockrms-database": Entry(
        "This is not a RockRMS database",
        "Write the name of the database that RockRMS uses: it is in Rock's web.ConnectionStrings.config.",
        _C,
        409,
    ),
    "sql-connection-lost": Entry(
        "The connection to the SQL Server was lost",
        "Nothing to do: it is opened again by itself. If it lasts, check that the server runs and answers.",
        _T,
        503,
        retryable=True,
    ),
    "sql-query-refused": Entry(
        "The SQL Server refuses a query of the import",
        "Give the detail to support: it names the query and the server's answer. Nothing was changed in Rock.",
        _B,
        409,
    ),
    "no-rockrms-connection": Entry(
        "No RockRMS connection is kept for this project on the agent",
        "On the agent's machine run migrate-agent rockrms set-connection, or type the connection string on the "
        "project's page; then rerun the job.",
        _O,
        409,
    ),
    "sealing-key-missing": Entry(
        "The agent has no key to seal a secret to",
        "Update the agent and let it run once, or set the connection string on its machine: migrate-agent rockrms "
        "set-connection.",
        _O,
        409,
    ),
    "sealed-text-unreadable": Entry(
        "The agent cannot open what was sealed for it",
        "Type the connection string on the project's page again, or set it on the agent's machine: migrate-agent "
        "rockrms set-connection.",
        _O,
        409,
    ),
    "secret-store-unavailable": Entry(
        "The agent cannot keep a secret on its machine",
        "Let the account that runs the agent use the system's keyring, or write to the folder named in the detail.",
        _C,
        409,
    ),
    # Mission
    "NO_MISSION_CONNECTION": Entry(
        "Project has no Mission connection", "Open the project, connect Mission, then rerun the job.", _O, 409
    ),
    "mission-url-refused": Entry(
        "The address of Mission cannot be used",
        "Correct the address as the detail says: https, a host name, no user, no query.",
        _O,
        400,
    ),
    "mission-key-revoked": Entry(
        "Mission refuses the integration key",
        "Make a new integration key in Mission, replace it on the project's page, then rerun the job.",
        _C,
        409,
    ),
    "mission-unreachable": Entry(
        "Mission does not answer",
        "Allow outbound HTTPS from the agent's machine to the host in the detail; nothing is lost, the import goes on"
        " by itself.",
        _C,
        503,
        retryable=True,
    ),
    "mission-tls-not-trusted": Entry(
        "Mission's certificate is not trusted",
        "If a proxy inspects TLS, install its root certificate on the agent's machine or set ca_bundle to its file; "
        "otherwise check Mission's address.",
        _C,
        502,
    ),
    "mission-not-found": Entry(
        "What answers there is not Mission",
        "Check Mission's address on the project's page: it is the site's root, without a path of its own unless "
        "Mission was told so.",
        _O,
        409,
    ),
    "mission-contract-unknown": Entry(
        "Mission speaks a version that this agent does not know",
        "Update the agent; if it is the newest, tell support which version the detail names.",
        _O,
        409,
    ),
    "mission-busy": Entry(
        "Mission is busy", "Nothing to do: the batch is sent again by itself.", _T, 503, retryable=True
    ),
    "mission-answer-unreadable": Entry(
        "Mission's answer cannot be read",
        "Give the request id in the detail to Mission's support; rerun the job to send these records again.",
        _B,
        502,
        retryable=True,
    ),
    "mission-batch-refused": Entry(
        "Mission refused a batch",
        "Read Mission's answer in the import log, correct what it names, and rerun: only what is not in Mission is "
        "sent again.",
        _O,
        409,
    ),
    "mission-record-refused": Entry(
        "Mission refused a record",
        "Read Mission's answer beside it, correct the record in Rock, and rerun: only what changed is sent again.",
        _O,
        409,
    ),
    "mission-readback-missing": Entry(
        "Mission does not let us read the records back",
        "Allow the integration key to read in Mission, then rerun; until then the import is accepted by Mission, not "
        "verified.",
        _O,
        409,
    ),
    # The import
    "import-unfinished": Entry(
        "Another import of this project is not finished",
        "Wait until the job named in the detail has ended, or cancel it.",
        _O,
        409,
    ),
    "import-report-missing": Entry(
        "There is no report of this import yet",
        "Wait until the attempt has ended: its report comes with its end.",
        _O,
        404,
    ),
    "agent-check-running": Entry(
        "A check of this kind is at work",
        "Wait for its result: it takes some seconds, and at most the time that the detail names.",
        _O,
        409,
    ),
    "agent-check-timeout": Entry(
        "The agent has not answered the check",
        "Check that the agent runs (its page says since when it is silent), then try again.",
        _O,
        409,
    ),
    "financial-mismatch": Entry(
        "The money does not match between Rock and Mission",
        "Open the job's reconciliation: each row that differs names its records. The page 'when the numbers differ' "
        "of the runbook goes through the causes.",
        _O,
        409,
    ),
    "records-errored": Entry(
        "Some records are not in Mission",
        "Open the job's import log: each record has its reason and its fix. Then rerun: only what is missing or "
        "changed is sent.",
        _O,
        409,
    ),
    "fund-missing": Entry(
        "A gift's fund is not in Mission",
        "Choose a fund for the account named in the detail on the project's page, then rerun.",
        _O,
        409,
    ),
    "person-reference-missing": Entry(
        "A record names a person who is not in Mission",
        "Look in the import log why the person was not imported, correct it, and rerun.",
        _O,
        409,
    ),
    "group-reference-missing": Entry(
        "A record names a group that is not in Mission",
        "Look in the import log why the group was not imported, correct it, and rerun.",
        _O,
        409,
    ),
    "copy-differs": Entry(
        "Mission's copy differs from what was sent",
        "Open the record in Mission and see who changed it; a rerun after a change in Rock writes it again.",
        _O,
        409,
    ),
    "copy-missing": Entry(
        "A record that was sent is not in Mission",
        "Rerun the job: what is missing is sent again. If it is missing again, give its id to Mission's support.",
        _O,
        409,
    ),
    "copy-doubled": Entry(
        "Mission has a record twice",
        "Remove the copy in Mission that the detail names, then verify again with a rerun.",
        _O,
        409,
    ),
    "person-unnamed": Entry(
        "A person has no name",
        "Look in Rock whether it is a real person or a system record; name the person there and rerun.",
        _C,
        409,
    ),
    "email-invalid": Entry(
        "An email address cannot be right",
        "Correct the address in Rock and rerun; the person was imported without it.",
        _C,
        409,
    ),
    "email-shared": Entry(
        "Several persons have the same email address",
        "Look whether they are one person; merge them in Rock if so, and rerun.",
        _C,
        409,
    ),
    "phone-malformed": Entry(
        "A phone number cannot be right", "Correct the number in Rock and rerun; it was imported as it is.", _C, 409
    ),
    "birth-date-invalid": Entry(
        "A birth date cannot be right",
        "Correct it in Rock and rerun; the parts that can be read were imported.",
        _C,
        409,
    ),
    "gift-not-positive": Entry(
        "A gift's amount is not positive",
        "Nothing to do if it is a refund or a correction: it was imported and counts in the net. Otherwise correct it"
        " in Rock and rerun.",
        _C,
        409,
    ),
    "gift-date-missing": Entry(
        "A gift has no date of its own",
        "Nothing to do if its batch's date, or else the day of its entry, is right: it was taken. Otherwise correct "
        "it in Rock and rerun.",
        _C,
        409,
    ),
    "foreign-currency": Entry(
        "A gift was given in another currency",
        "Nothing to do: its amount in the church's own currency was imported.",
        _C,
        409,
    ),
    "no-person-alias": Entry(
        "A person has no alias in Rock",
        "Run Rock's cleanup job, which repairs this, and rerun; the person was imported, but nothing in Rock can name"
        " them.",
        _C,
        409,
    ),
    "record-type-not-moved": Entry(
        "A record of this type is not moved",
        "Nothing to do: it is no person (a system's record, a text sender without name, an anonymous visitor).",
        _C,
        409,
    ),
    "record-type-missing": Entry(
        "A person has no record type",
        "Look in Rock whether it is a person; it was imported as one. Set its record type there and rerun.",
        _C,
        409,
    ),
    "person-anonymous": Entry(
        "This is Rock's stand-in for anonymous people",
        "Nothing to do: gifts given to it are imported without a person.",
        _C,
        409,
    ),
    "person-merged": Entry(
        "A person was merged into another and is still in Rock",
        "Merge both in Rock again, which removes the old one, and rerun; until then both are in Mission.",
        _C,
        409,
    ),
    "family-archived": Entry("A family is archived", "Nothing to do: archived families are not moved.", _C, 409),
    "family-of-nobody": Entry(
        "A family has no member who is moved",
        "Nothing to do: it belongs to a system's record or an anonymous one.",
        _C,
        409,
    ),
    "group-closed": Entry(
        "A group is inactive or archived, and nobody attended it",
        "Nothing to do if it is over. Otherwise make it active in Rock and rerun.",
        _C,
        409,
    ),
    "gift-undated": Entry(
        "A gift has no date at all",
        "Enter the transaction's date in Rock and rerun: without one the gift is in no year.",
        _C,
        409,
    ),
    "record-not-in-scope": Entry(
        "A record is named but is outside the filters",
        "Nothing to do if that is meant; otherwise widen the import's filters and rerun.",
        _O,
        409,
    ),
    "attendance-doubled": Entry(
        "A person attended the same occurrence twice", "Nothing to do: it was imported once.", _C, 409
    ),
    "attendance-without-person": Entry(
        "An attendance names no person",
        "Nothing to do: it cannot be moved; head counts are not part of the import.",
        _C,
        409,
    ),
    "membership-doubled": Entry(
        "A person is in the same group twice", "Nothing to do: the stronger membership was imported.", _C, 409
    ),
    "group-reparented": Entry(
        "A group's parent is not moved", "Nothing to do: it was put below the nearest group that is moved.", _C, 409
    ),
    "address-ambiguous": Entry(
        "A family has several home addresses",
        "Mark the right one as mapped in Rock and rerun; the newest was imported.",
        _C,
        409,
    ),
    "import-journal-unreadable": Entry(
        "The import's journal is damaged",
        "Nothing to do: the agent sets it aside and compares with Mission's answers instead; nothing is sent double.",
        _C,
        500,
    ),
}
