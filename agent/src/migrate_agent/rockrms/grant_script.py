"""The T-SQL that makes a login which may read what an import needs, and nothing else."""

from __future__ import annotations

from migrate_agent.rockrms.source.facts import TABLES

DEFAULT_LOGIN = "onemigrate_reader"
DEFAULT_DATABASE = "RockRMS"
_HEAD = """\
-- A login for OneMigrate: it may read the tables of RockRMS that an import needs, and can change nothing.
-- Run this in SQL Server Management Studio as an administrator of the server.
-- Write a password of your own where it says so: until then the first statement fails, on purpose.
-- The server must allow SQL Server logins (Server Properties, Security, "SQL Server and Windows Authentication mode").
-- To take it back:  USE {database}; DROP USER {login};  USE [master]; DROP LOGIN {login};
"""
_BODY = """
USE [master];
GO
IF SUSER_ID(N'{login_text}') IS NULL
    CREATE LOGIN {login} WITH PASSWORD = <write a long password here, as N'...'>, CHECK_POLICY = ON;
GO
USE {database};
GO
IF DATABASE_PRINCIPAL_ID(N'{login_text}') IS NULL
    CREATE USER {login} FOR LOGIN {login};
GO
"""
_GRANT = "IF OBJECT_ID(N'[dbo].[{table}]', N'U') IS NOT NULL GRANT SELECT ON [dbo].[{table}] TO {login};\n"


def grant_script(*, login: str = DEFAULT_LOGIN, database: str = DEFAULT_DATABASE) -> str:
    """Result: the script, for the login and the database of these names."""
    names = {"login": _bracketed(login), "database": _bracketed(database), "login_text": login.replace("'", "''")}
    grants = "".join(_GRANT.format(table=table, **names) for table in TABLES)
    return _HEAD.format(**names) + _BODY.format(**names) + grants + "GO\n"


def _bracketed(name: str) -> str:
    return "[" + name.replace("]", "]]") + "]"
