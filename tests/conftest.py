"""Fixtures of every test: see tests/fixtures_stack.py for the running system."""

pytest_plugins = ["tests.fixtures_stack", "tests.fixtures_copy"]
