"""A SQL Server of our own, for tests and the local stack: TDS 7.4 on a real socket over one SQLite file.

It speaks enough of the protocol for every client that we know (mssql-python on both of its backends, pymssql,
python-tds) and refuses every statement that it does not understand completely. What it answers, it answers as SQL
Server would: exact decimals, text compared without case and trailing blanks, NULL first, error numbers.

A *cell* is a value as it lies in the SQLite file (see `cells`), whose CREATE TABLE declares the SQL Server types.
"""

from local.sqlserver.cells import to_cell
from local.sqlserver.faults import Faults
from local.sqlserver.server import Encryption, Login, SqlServer

__all__ = ["Encryption", "Faults", "Login", "SqlServer", "to_cell"]
