"""What every code means: its cause, what it did to the data, and what to do next. `catalogue` reads it."""
