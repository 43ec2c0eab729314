"""RockRMS to Mission: source (SQL Server) -> mapping (pure) -> sink (HTTP), and what proves that they agree.

docs/rockrms-rules.md says in words what is mapped to what; docs/reconciliation.md what is compared.
"""
