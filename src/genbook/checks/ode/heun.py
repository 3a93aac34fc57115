"""Heun's step for a denoiser."""

from genbook.checks import Case, Question, answers
from genbook.checks.ode.shared import Bent, drawn


def heun(denoise, x, sigma, following):
    h = following - sigma
    first = (x - denoise(x, sigma)) / sigma
    there = x + h * first
    if following == 0:
        return there
    second = (there - denoise(there, following)) / following
    return x + h * (first + second) / 2


def cases(seed: int) -> list[Case]:
    bell, points, images = drawn(seed)
    return [
        Case((bell, points, 2.0, 0.7), label="a Gaussian"),
        Case((Bent(1.5), images, 1.5, 0.4), label="images, another denoiser"),
        Case((Bent(2.0), points, 0.6, 0.0), label="the last step, to sigma = 0"),
        Case((bell, images, 10.0, 9.0), label="much noise"),
        Case((bell, points, 0.05, 0.01), label="little noise"),
    ]


ANSWERS = answers("""
by two of Euler's steps, whose mean it is, in float64:
    def euler(z, slope):
        return z + (following - sigma) * slope
    x = x.double()
    slope = (x - denoise(x, sigma)) / sigma
    end = euler(x, slope)
    if following == 0:
        return end
    return (end + euler(x, (end - denoise(end, following)) / following)) / 2
written with the predicted data:
    data = denoise(x, sigma)
    share = following / sigma
    there = share * x + (1 - share) * data
    if not following:
        return there
    slope = (there - denoise(there, following)) / following
    return x / 2 + there / 2 + (following - sigma) / 2 * slope
the second question at the old noise level: denoise(there, following) → denoise(there, sigma)
    You asked the second time with the old sigma. The state that you ask about has the noise of the
    end of the step.
the second slope divided by the old sigma: following)) / following → following)) / sigma
    Your second slope is (x' − D) / σ with the old σ. At the end of the step it is divided by the
    new one.
the second question about the old state: denoise(there, following) → denoise(x, following)
    You asked the second time about the state at which the step began. Heun asks at Euler's end.
the second slope at the old noise level: following)) / following → sigma)) / sigma
    Your second slope is the one of the old sigma. Euler's end has the noise of the end of the step:
    ask there, and divide there.
the mean of the data: (there - denoise → (x - denoise; g)) / following → g)) / sigma
    You took the mean of the two predictions D. Heun takes the mean of two slopes, each of its own
    state and noise level.
the second slope from the old state: (there - denoise → (x - denoise
    Your second slope is (x − D) / σ' with the old x. It belongs to Euler's end: (x' − D) / σ'.
the prediction for the slope: (x - denoise(x, sigma)) / sigma → denoise(x, sigma)
    You walk along the predicted data D. The slope is eps = (x − D) / σ.
sum for mean: (first + second) / 2 → (first + second)
    You walk along the sum of both slopes and go the way twice. Take their mean.
Euler's method: return x + h * (first + second) / 2 → return there
    This is Euler's step, in one call. The mean with the slope at its end is missing.
the second slope alone: (first + second) / 2 → second
    You walk along the second slope alone. Heun takes the mean of both.
from Euler's end: return x + → return there +
    You corrected from Euler's end. The mean slope is walked along from the start x.
the wrong way: h = following - sigma → h = sigma - following
    You went up, to more noise. The step is σ' − σ, which is negative.
the noise not divided by sigma: denoise(x, sigma)) / sigma → denoise(x, sigma))
    Your first slope is x − D, which is σ eps. The slope is eps = (x − D) / σ.
asked where there is no noise: if following == 0 → if False
    In the last step you ask the network at sigma = 0, where it knows nothing (and divide by 0).
    There Euler's step is all there is.
""")
QUESTION = Question("ode.heun", 3, heun, cases, ANSWERS)
