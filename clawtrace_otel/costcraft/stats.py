"""Intervals and tests, from scipy: what a few runs can show, and how surely.

Every interval is ``(low, high)`` at a confidence of 95 %. The bootstrap's random numbers start from
a fixed seed: the same runs give the same report.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Interval = tuple[float, float]
Floats = NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 9_999
SEED = 20_261_122
_BATCH = 500
"""Resamples held in memory at a time."""


def wilson(successes: int, trials: int) -> Interval | None:
    """Wilson's interval of a share; ``None`` of nothing.

    Source: Wilson 1927, as ``scipy.stats.binomtest(...).proportion_ci``.
    """
    if trials == 0:
        return None
    found = stats.binomtest(successes, trials).proportion_ci(CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p of McNemar's test: are the discordant pairs a fair coin's?

    Args:
        only_first: pairs of which the first alone succeeded.
        only_second: pairs of which the second alone did.

    Returns:
        1.0 where there are no discordant pairs.
    """
    discordant = only_first + only_second
    return float(stats.binomtest(only_first, discordant).pvalue) if discordant else 1.0


def paired_difference(
    both: int, only_first: int, only_second: int, neither: int
) -> Interval | None:
    """The interval of the second share less the first, of pairs; ``None`` without pairs.

    It has a width also where all pairs agree, which a bootstrap's has not.

    Args:
        both: pairs of which both succeeded.
        only_first: of which the first alone did.
        only_second: of which the second alone did.
        neither: of which neither did.

    Source: Newcombe 1998, "Improved confidence intervals for the difference between binomial
    proportions based on paired data", method 10.
    """
    pairs = both + only_first + only_second + neither
    first = wilson(both + only_first, pairs)
    second = wilson(both + only_second, pairs)
    if first is None or second is None:
        return None
    p, q = (both + only_second) / pairs, (both + only_first) / pairs
    phi = _phi(both, only_first, only_second, neither)

    def away(a: float, b: float) -> float:
        return math.sqrt(max(a * a - 2 * phi * a * b + b * b, 0.0))

    return p - q - away(p - second[0], first[1] - q), p - q + away(second[1] - p, q - first[0])


def _phi(both: int, only_first: int, only_second: int, neither: int) -> float:
    """The correlation within pairs; a positive one corrected for continuity."""
    margins = (both + only_first) * (only_second + neither)
    margins *= (both + only_second) * (only_first + neither)
    if margins == 0:
        return 0.0
    product = float(both * neither - only_first * only_second)
    if product > 0:
        product = max(product - (both + only_first + only_second + neither) / 2, 0.0)
    return product / math.sqrt(margins)


def mean_interval(values: Sequence[float]) -> Interval | None:
    """The bootstrap interval of a mean; ``None`` of fewer than two values."""
    return _bootstrap((values,), np.mean)


def median_interval(values: Sequence[float]) -> Interval | None:
    """The bootstrap interval of a median; ``None`` of fewer than two values."""
    return _bootstrap((values,), np.median)


def ratio_of_totals(over: Sequence[float], under: Sequence[float]) -> float | None:
    """The total of one half of the pairs over that of the other.

    Returns:
        ``None`` without pairs, and where a value below the line is not positive.
    """
    return sum(over) / sum(under) if under and min(under) > 0 else None


def ratio_interval(over: Sequence[float], under: Sequence[float]) -> Interval | None:
    """The paired bootstrap interval of :func:`ratio_of_totals`: pairs are drawn together.

    Args:
        over: a value of each pair.
        under: the other value of each, in the same order.

    Returns:
        ``None`` of fewer than two pairs, and where :func:`ratio_of_totals` is.

    Raises:
        ValueError: they are not equally many.
    """
    if len(over) != len(under):
        msg = f"{len(over)} and {len(under)} values make no pairs"
        raise ValueError(msg)
    if ratio_of_totals(over, under) is None:
        return None
    return _bootstrap((over, under), _ratio)


def median_ratio_interval(over: Sequence[float], under: Sequence[float]) -> Interval | None:
    """The paired bootstrap interval of the median of one half over the median of the other.

    Returns:
        ``None`` of fewer than two pairs, and where a value below the line is not positive.

    Raises:
        ValueError: they are not equally many.
    """
    if len(over) != len(under):
        msg = f"{len(over)} and {len(under)} values make no pairs"
        raise ValueError(msg)
    if not under or min(under) <= 0:
        return None
    return _bootstrap((over, under), _ratio_of_medians)


def _ratio(over: Floats, under: Floats, axis: int) -> Floats:
    ratio: Floats = over.sum(axis=axis) / under.sum(axis=axis)
    return ratio


def _ratio_of_medians(over: Floats, under: Floats, axis: int) -> Floats:
    ratio: Floats = np.median(over, axis=axis) / np.median(under, axis=axis)
    return ratio


def _bootstrap(
    samples: Sequence[Sequence[float]], statistic: Callable[..., Any]
) -> Interval | None:
    """The percentile interval; BCa is undefined where all values are equal, and runs often are."""
    if len(samples[0]) < 2:
        return None
    found = stats.bootstrap(
        tuple(np.asarray(sample, dtype=np.float64) for sample in samples),
        statistic,
        n_resamples=RESAMPLES,
        batch=_BATCH,
        vectorized=True,
        paired=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return float(found.low), float(found.high)


Stratum = tuple[int, int, int, int]
"""Successes with and without something, failures with and without it."""


def exact_association(strata: Sequence[Stratum]) -> float:
    """The exact one-sided p of "successes have it more often than failures", within strata.

    All margins of each stratum are held fixed, as in Fisher's test, which this is for one stratum.
    For several it is the exact form of the test of Cochran, Mantel and Haenszel: what differs
    between strata plays no part. Source: Agresti, "Categorical Data Analysis", 7.3.5.

    Args:
        strata: such as one for each task.

    Returns:
        1.0 where no stratum can tell anything.
    """
    chances, seen = np.ones(1), 0
    for with_it, without, failed_with, failed_without in strata:
        total = with_it + without + failed_with + failed_without
        if not total:
            continue
        passed, having = with_it + without, with_it + failed_with
        least = max(0, passed + having - total)
        possible = np.arange(least, min(passed, having) + 1)
        chances = np.convolve(chances, stats.hypergeom.pmf(possible, total, passed, having))
        seen += with_it - least
    return min(float(chances[seen:].sum()), 1.0)


def false_discoveries(p_values: Sequence[float]) -> list[float]:
    """The p-values, adjusted for their number by the method of Benjamini and Hochberg (1995)."""
    return [float(p) for p in stats.false_discovery_control(p_values)] if p_values else []
