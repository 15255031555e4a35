"""The files of a run: results, rejects, successes, picks and pulled deals, each written whole or not at all."""
