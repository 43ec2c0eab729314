"""The version of the control plane."""

VERSION = "0.1.0"
