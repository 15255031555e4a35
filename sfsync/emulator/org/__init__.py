"""The state of the played org: schema, ids, records, sessions, clock and units of work.

Part of the emulator; imports nothing of sfsync outside it.
"""
