"""Is it any good? Measures of sample quality, each with an interval.

bits_per_dimension(nats, D, bin_width)       likelihood as a code length
frechet(a, b), frechet_extrapolated(a, b)    distance of two fitted Gaussians, its bias removed
mmd(x, y, kernel), mmd_test(x, y)            distance of two means in a kernel's space, and a test
precision_recall(x, real)                    are samples near data, is data near samples
density_coverage(x, real)                    the same, harder to fool
memorisation(x, held_out, train)             are samples nearer to the training data than new data
features(x), predict(x), accuracy(x, y)      the digits classifier, judge of the book's samples
variety(x, labels, real, real_labels)        variance within the classes
bootstrap(statistic, *samples)               an interval for any of them

All tables of the book use these functions. Where two samples are compared, the model's come first.
"""

from __future__ import annotations

from genbook.evaluation.frechet import frechet, frechet_extrapolated, gaussian_frechet
from genbook.evaluation.intervals import Interval, bootstrap
from genbook.evaluation.judge import accuracy, features, predict, variety
from genbook.evaluation.likelihood import bits_per_dimension, dequantise
from genbook.evaluation.mmd import (
    PermutationTest,
    median_bandwidth,
    mmd,
    mmd_test,
    polynomial,
    rbf,
)
from genbook.evaluation.neighbours import (
    DensityCoverage,
    Memorisation,
    PrecisionRecall,
    density_coverage,
    expected_coverage,
    memorisation,
    nearest,
    precision_recall,
)

__all__ = [
    "DensityCoverage",
    "Interval",
    "Memorisation",
    "PermutationTest",
    "PrecisionRecall",
    "accuracy",
    "bits_per_dimension",
    "bootstrap",
    "density_coverage",
    "dequantise",
    "expected_coverage",
    "features",
    "frechet",
    "frechet_extrapolated",
    "gaussian_frechet",
    "median_bandwidth",
    "memorisation",
    "mmd",
    "mmd_test",
    "nearest",
    "polynomial",
    "precision_recall",
    "predict",
    "rbf",
    "variety",
]
