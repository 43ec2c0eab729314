"""The whole system on loopback, for development, demonstrations and tests; nothing here is deployed.

Nouns: the *stack* is one Azurite (Azure Storage emulator) and one *functions host* (the process that
runs the function app) with their certificates, keys and settings, all inside one directory.
"""
