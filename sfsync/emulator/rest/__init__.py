"""The REST resources: one module a family, each a function from a call to a reply.

Part of the emulator; imports nothing of sfsync outside it.
"""
