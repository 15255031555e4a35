"""A local server that plays the Salesforce platform for tests, the demo and rehearsals.

It hides everything about how the platform is imitated; the rest of the product only ever talks HTTP to
it. It imports nothing of sfsync outside this package and shares no constants, so that it can disagree
with us.
Entries: `python -m sfsync.emulator serve`, `sfsync.emulator.server.serve` and
`sfsync.emulator.server.running`.
"""
