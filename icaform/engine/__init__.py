"""Where thought meets the world: manifests are gathered, the server is observed, operations are executed.

The only room that leans on both the wire and the journal.
"""
