"""A church's RockRMS database on a SQL Server, as a process of the local stack: generated once, then served."""
