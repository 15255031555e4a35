"""Plans and reports as lines for a person at a terminal."""
