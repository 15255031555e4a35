"""From what a file holds to a job that a person can review: decided where the file proves it, else marked."""
