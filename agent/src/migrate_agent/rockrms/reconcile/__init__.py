"""Verification of an import: Rock counted by statements of its own, Mission by its answers, and what differs, by name.

Terms: a *line* is one FinancialTransactionDetail; the *workbook* is a temporary SQLite file that holds both sides, so
that memory stays flat; a *measure* is one thing that is counted (lines of a fund in a year, members of a family); a
*cell* is one measure under one key; *evidence* says who vouches for the target's side: Mission, or only its
acknowledgements.
"""
