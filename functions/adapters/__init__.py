"""The ports over Azure Storage: the only place that names an Azure SDK."""
