"""What travels together and how: units, batches, routes and their fences, costs, and what an answer means."""
