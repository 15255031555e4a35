"""What the platform enforces and derives when records are saved or deleted.

Part of the emulator; imports nothing of sfsync outside it.
"""
