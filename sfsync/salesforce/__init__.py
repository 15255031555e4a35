"""Speaks with one org over REST; the engine sees only `core.ports.OrgGateway`.

`gateway` packs the port's questions into calls; `courier` sends a call, judges it by `core.sending.verdict`,
retries and logs in again; `session` is the one door through which bytes leave. Nothing here prints or logs.
"""
