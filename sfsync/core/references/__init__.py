"""How a reference of a row finds its record, who settles it, and what is made where nothing is there."""
