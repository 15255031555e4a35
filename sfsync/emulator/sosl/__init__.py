"""Plays SOSL: what a search text means, and which objects and fields a search answers with.

Pure: text in, values out. Finding the records, and what of them is already in the search index, is decided
by `rest/searching.py`; the parts that RETURNING shares with a query are handed to the SOQL engine as they are.
"""
