"""RockRMS to Mission: source, mapping, sink, and the reconciliation of both sides."""
