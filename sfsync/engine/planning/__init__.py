"""From rows and a picture of the org to one change for every row. Nothing here writes."""
