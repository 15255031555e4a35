"""What sales operations mean by a deal: stages and movement, probability, forecast, leads, rows that are gone."""
