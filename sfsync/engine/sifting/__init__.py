"""Leaves rows out of a plan that are as they were, whose records are as they were: nothing else is planned."""
