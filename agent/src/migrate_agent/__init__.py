"""The agent: heavy work at the customer's site, steered by the control plane, whole without it for any length of time."""

__version__ = "0.1.0"
