"""The journal in one SQLite file of the state folder: for one host, on a local disk."""
