"""Queries of databases as sources: one read-only transaction, exact cells, and addresses that show no secret."""
