"""What goes out about a run, to whoever watches it from outside: pings, webhooks, commands.

Nothing here can fail a run: what goes wrong is a sentence that is handed back. The room has its own small HTTP,
because the door to the org (`salesforce/`) knows the org's token, hosts and deadlines, and must not learn others.
"""
