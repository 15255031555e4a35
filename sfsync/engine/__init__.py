"""The engine: makes plans, applies them, and settles what a crash or a lost answer left open.

It knows the org and the journal only as the Protocols of `core.ports`, reads no clock and draws no
randomness but what it is given, and announces events instead of printing.
"""
