"""A small stage catalogue for unit tests."""

from sfsync.core.deals.stages import StageCatalogue, parse_stages

_STAGES = (
    ("New", 10, "", ""),
    ("Talks", 40, "", ""),
    ("Offer", 75, "", ""),
    ("Won", 100, "closed", "won"),
    ("Paid", 100, "closed", "won"),
    ("Lost", 0, "closed", ""),
    ("Dropped", 0, "closed", ""),
)


def catalogue() -> StageCatalogue:
    """Three open stages, two of each end, and an inactive one."""
    records = [
        {
            "ApiName": name,
            "DefaultProbability": probability,
            "ForecastCategoryName": "Closed" if closed else "Pipeline",
            "IsActive": True,
            "IsClosed": bool(closed),
            "IsWon": bool(won),
        }
        for name, probability, closed, won in _STAGES
    ]
    return parse_stages([*records, {"ApiName": "Old", "DefaultProbability": 5, "IsActive": False}])
