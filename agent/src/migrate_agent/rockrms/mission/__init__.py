"""Mission's side of an import: the port, its one adapter, the records' schemas and the sender."""
