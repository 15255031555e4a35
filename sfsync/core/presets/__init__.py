"""What the export of a known tool looks like: which of its headers mean which column, and what is no row."""
