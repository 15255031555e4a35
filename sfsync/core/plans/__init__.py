"""A plan as a value and as text: whole, in portions, condensed for people, added up, held against its guards."""
