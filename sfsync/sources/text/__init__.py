"""Delimited text files, read strictly: encodings, delimiters, quotes, and an account of every row."""
