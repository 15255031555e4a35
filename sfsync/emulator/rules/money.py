"""Arithmetic on stored numbers, exact to the cent.

The API speaks doubles (`xsd:double` in every describe [R]), so a number is stored as one: up to 15
significant digits, which is cents up to 9,999,999,999,999.99, survive as sent. What the platform computes
from them is computed here in decimals, so that 0.10 + 0.20 is 0.30.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

_CENT: Final = Decimal("0.01")


def exact(number: float) -> Decimal:
    """Return the decimal that a stored number stands for."""
    return Decimal(repr(number))


def total(numbers: Iterable[float]) -> float:
    """Return the sum as a stored number."""
    return float(sum(map(exact, numbers), Decimal(0)))


def product(*factors: float) -> float:
    """Return the product as a stored number, rounded to cents."""
    value = Decimal(1)
    for factor in factors:
        value *= exact(factor)
    return rounded(value)


def rounded(value: Decimal) -> float:
    """Return a decimal as a stored number of cents."""
    return float(value.quantize(_CENT, ROUND_HALF_UP))
