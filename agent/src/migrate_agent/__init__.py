"""The agent: does the heavy work at the customer's site, steered by the control plane, and goes on without it."""

__version__ = "0.1.0"
