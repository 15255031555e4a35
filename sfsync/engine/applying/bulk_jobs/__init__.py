"""Rows that travel by bulk jobs: cut into parts, sent, known again, and settled by the job's own results."""
