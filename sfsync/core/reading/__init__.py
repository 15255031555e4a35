"""From cells to typed rows: headers, rules, numbers, dates and keys, what is refused before anything is sent."""
