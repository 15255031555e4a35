"""Which rows and records have changed since the last run, so that nothing else is planned."""
