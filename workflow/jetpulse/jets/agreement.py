"""How well two samples of jets agree: means and medians by class, and their ratios."""

import math
from dataclasses import dataclass

from jetpulse.jets.observables import CLASSES
from jetpulse.jets.validation import Survey

# Quantity -> what is compared, and by which part the two may differ beyond the statistical error.
COMPARED = {
    "multiplicity": ("mean", 0.05),
    "mass": ("median", 0.05),
    "leading_fraction": ("mean", 0.07),
}


@dataclass(frozen=True)
class Comparison:
    """A number of a class in both samples; errors are statistical, what is not defined is nan."""

    label: int
    quantity: str
    statistic: str
    first: float
    first_error: float
    second: float
    second_error: float
    allowed: float
    shared: int = 0  # jets that are in both samples, which then are not independent

    @property
    def ratio(self) -> float:
        """The second sample's number over the first's."""
        return self.second / self.first if self.first else math.nan

    @property
    def ratio_error(self) -> float:
        """Statistical error of the ratio, from independent samples."""
        if not self.first or not self.second:
            return math.nan
        return abs(self.ratio) * math.hypot(self.first_error / self.first, self.second_error / self.second)

    @property
    def agrees(self) -> bool | None:
        """Whether the ratio differs from 1 by no more than allowed plus its error.

        None if that is not defined, as for samples that share jets.
        """
        if self.shared or not math.isfinite(self.ratio) or not math.isfinite(self.ratio_error):
            return None
        return abs(self.ratio - 1) <= self.allowed + self.ratio_error


def compare_surveys(first: Survey, second: Survey) -> list[Comparison]:
    """Return mean number of constituents, median mass and mean leading fraction of every class in two samples."""
    rows, shared = [], first.shared(second)
    for label in CLASSES:
        for quantity, (statistic, allowed) in COMPARED.items():
            numbers = []
            for survey in (first, second):
                found = survey.distributions[quantity, label]
                mean = statistic == "mean"
                numbers.append(found.mean if mean else found.quantile(0.5))
                numbers.append(found.mean_error if mean else found.median_error)
            rows.append(Comparison(label, quantity, statistic, *numbers, allowed, shared))
    return rows
