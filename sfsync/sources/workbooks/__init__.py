"""Excel workbooks as sources: what may be unpacked, what XML may do, and what a cell says."""
