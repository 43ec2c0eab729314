"""`python -m migrate_agent`: the same command line as `migrate-agent`."""

from migrate_agent.cli import main

if __name__ == "__main__":
    main()
