"""T-SQL to SQLite, completely or not at all: every expression has a type, and every word that is not known is refused.

Types are what makes it exact: a decimal is a whole number of its smallest units, so that comparing, adding and summing
it needs its scale at every step; dates are texts of a fixed width; text is compared as SQL Server's usual collation
does (SQL_Latin1_General_CP1_CI_AS).
"""

from local.sqlserver.tsql.query import Translation, translate

__all__ = ["Translation", "translate"]
