"""Contact roles as a reconciled set: what rows want, what the deal has, and who is primary."""
