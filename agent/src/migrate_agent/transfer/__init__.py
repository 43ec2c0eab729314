"""Copies one folder tree to Azure Blob: scanner -> planner -> engine -> uploader -> committer."""
