"""Rows of which an answer was lost or a process died: settled by asking the org, never by sending blindly."""
