"""The agent's side of the wire to the control plane."""
