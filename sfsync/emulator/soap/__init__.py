"""The SOAP partner endpoint: what the platform offers there and nowhere in REST.

Login by password, lead conversion, merge, undelete and the recycle bin. Every other operation is answered
as an unknown one. The rules behind the operations are in `rules/`; this room reads and writes XML.
"""
