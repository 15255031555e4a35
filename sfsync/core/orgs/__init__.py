"""What an org is made of and how one is reached: describe, limits, profiles, pins, snapshots, metadata."""
