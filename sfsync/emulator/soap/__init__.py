"""The SOAP partner endpoint: what the platform offers there and nowhere in REST.

Login by password. Every other operation is answered as an unknown one.
"""
