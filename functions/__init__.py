"""The control plane: triggers, services, domain, adapters and dashboard of OneMigrate."""
