"""Bulk API 2.0: jobs that take CSV in, or run a query, and work in the background.

Part of the emulator; imports nothing of sfsync outside it.
"""
