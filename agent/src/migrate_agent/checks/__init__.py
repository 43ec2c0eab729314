"""`migrate-agent check`: looks at everything between this machine and a finished job, and names what is wrong."""
