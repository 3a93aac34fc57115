"""The implementations behind the chapters of the book: a module a chapter, on shared ground.

    paths, schedules     x_t = a(t) x_0 + b(t) eps: how much data and how much noise at a time
    denoiser, sampling   a network that answers with every prediction; the loop of all samplers
    arguments            checks of what was given
    nn, training, ema    networks, how they are trained, and the average of their weights
    recipes, weights     how each shipped network was made; the networks themselves
    data, plots, hands   what is learned from, pictures of it, figures to handle in a kernel
    verify, papers       claims with their checks; the papers' notation
    checks               the questions of the exercises

and a chapter each: ``objects``, ``geometry``, ``gaussians``, ``ddpm`` (with ``bound``), ``ddim``,
``evaluation``.
"""
