"""A report as a value: what became of each row, what is counted of it, and several reports as one."""
