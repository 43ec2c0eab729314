"""mssql-python in a process of its own: which of its backends is used is decided when it is first imported."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from tests.harness.small_rock import EDGES, EVERY_TYPE

if TYPE_CHECKING:
    from local.sqlserver import SqlServer


def odbc_string(server: SqlServer, *, encrypt: bool) -> str:
    """Result: the driver's connection string for the server."""
    password = server.login.password.replace("}", "}}")
    return (
        f"Server={server.host},{server.port};Database={server.name};UID={server.login.user};PWD={{{password}}};"
        f"Encrypt={'yes' if encrypt else 'no'};TrustServerCertificate=yes"
    )


def read(odbc: str) -> dict[str, Any]:
    """Result: which types came back changed, how many people, the sum of all gifts."""
    import mssql_python

    connection = mssql_python.connect(odbc)
    cursor = connection.cursor()
    names = list(EVERY_TYPE)
    cursor.execute(f"SELECT {', '.join(names)} FROM EveryType ORDER BY Id")
    full, empty = cursor.fetchall()
    wrong = [name for name, value in zip(names, full, strict=True) if value != EDGES[name]]
    wrong += [f"{name} NULL" for name, value in zip(names, empty, strict=True) if value is not None]
    seen, last = 0, 0
    page = "SELECT TOP (?) Id, FirstName, Guid FROM [dbo].[Person] WITH (NOLOCK) WHERE Id > ? AND Id <= ? ORDER BY Id"
    while True:
        cursor.execute(page, (300, last, 10**9))
        rows = cursor.fetchall()
        if not rows:
            break
        seen, last = seen + len(rows), rows[-1][0]
    cursor.execute("SELECT SUM(g.Amount) FROM Gift g WHERE g.Id <= ?", (10**9,))
    total = cursor.fetchall()[0][0]
    cursor.execute("SELECT COUNT(*) AS n FROM Person WHERE FirstName = ? OR FirstName IS NULL", ("ANNA  ",))
    named = cursor.description[0][0] if cursor.description else ""
    connection.close()
    return {"every_type": wrong, "people": seen, "sum": str(total), "named": "ok" if named == "n" else named}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(read(json.loads(sys.argv[1])["odbc"])))
