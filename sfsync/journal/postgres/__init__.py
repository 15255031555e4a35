"""The journal in a PostgreSQL database: for jobs that run on several hosts, one run of a job at a time."""
