"""What a person or a program gets to see of a plan or a run: JSON, files, and text for a terminal.

Everything here reads a finished `Plan` or `Report` and decides nothing about rows: the counts are the core's.
Data of rows is shown only after `safe_text` has made it harmless.
"""
