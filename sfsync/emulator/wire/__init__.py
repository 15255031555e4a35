"""Bytes to requests and back: connections, JSON text, routes and replies.

Part of the emulator; imports nothing of sfsync outside it.
"""
