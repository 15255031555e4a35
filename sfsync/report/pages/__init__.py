"""The report for a browser: what its page says, as data, and the one HTML file that is made of it."""
