"""Wrong answers that students may give, kept apart from the mistakes that the checks know.

They measure what share of wrong answers gets a sentence (test_wrong_answers.py). So they are not
written from the registry's tables: what is likely for a question is listed from the question alone,
and an answer that gets no sentence stays in the list. The notation is that of ``answers``.
"""

from __future__ import annotations

LIKELY = {
    "consistency.by_hand": """
        the field taken for a constant: → (-1.5, 9.0, 0.0)
        the end with its own field: → (0.375, 2.25, -1.125)
        the mean of the two velocities: → (0.375, 5.625, -1.125)
        the mean velocity with a sign: → (0.375, -5.25, -1.125)
        the derivative along the curve: → (0.375, 5.25, 0.0)
        the derivative of the end by s: → (0.375, 5.25, 2.25)
        the push alone: → (0.375, 5.25, 0.125)
    """,
    "consistency.jump": """
        DDIM without the noise: return a_s * x0 + b_s * eps → return a_s * x0
        the data: → x0
        a straight line always: → x + (s - t) * (x - x0) / t
        rates of the wrong time: a_s, b_s = rates(s) → a_s, b_s = rates(t)
        not divided: / b_t →
        noise for data: a_s * x0 + b_s * eps → a_s * eps + b_s * x0
        the head of the straight path: a_s * x0 + b_s * eps → x - (t - s) * (eps - x0)
    """,
    "consistency.shortcut": """
        one jump: → network(x, t, s)
        two jumps from the start: network(x + half * first, m, s) → network(x, m, s)
        the sum of the two: (first + second) / 2 → (first + second)
        the state: return (first + second) / 2 → return x + half * first
        upwards: (m - t) → (t - m)
        half of the half: half * first → half / 2 * first
        end minus start: (first + second) / 2 → half * first + half * second
        velocities for slopes: network(x, t, m) → network(x, t, t)
            half * first, m, s → half * first, m, m
    """,
    "consistency.mean_flow": """
        only the velocity: → v
        plus: v - gap → v + gap
        x held: (v, one, zero) → (torch.zeros_like(x), one, zero)
        t held: (v, one, zero) → (v, zero, zero)
        all times moved: (v, one, zero) → (v, one, one)
        no gap: gap * moved → moved
        as given: (v, one, zero) → (0 * v, one, zero)
            v - gap → v + gap
        time runs down: (v, one, zero) → (v, 0 - one, zero)
        t for the way: (t - s) → (t - 0 * s)
    """,
    "consistency.renoise": """
        along the flow: x = flow_map(x, t, 0.0) → x = flow_map(x, t, s)
            if s > 0 → if False
        variance exploding: (1 - s) * x + s * noises[i] → x + s * noises[i]
        with t: (1 - s) * x + s * noises[i] → (1 - t) * x + t * noises[i]
        no noise: (1 - s) * x + s * noises[i] → (1 - s) * x
        variance preserving: (1 - s) * x → (1 - s**2) ** 0.5 * x
        only one call: → flow_map(x, times[0], 0.0)
        clean at the end: if s > 0 → if i + 2 < len(times)
        shares of variances: (1 - s) * x + s * noises[i] → (1 - s)**0.5 * x + s**0.5 * noises[i]
    """,
    "consistency.target": """
        swapped: decay * old → (1 - decay) * old
            (1 - decay) * weights → decay * weights
        the mean: decay * old + (1 - decay) * weights[i].detach() → (old + weights[i]) / 2
        the network: decay * old + (1 - decay) * weights[i].detach() → weights[i]
        the old one: decay * old + (1 - decay) * weights[i].detach() → old
        a step added: decay * old → old
        as an EMA does: decay * old + (1 - decay) * weights[i] → old.lerp_(weights[i]
            .detach() for → .detach(), 1 - decay) for
    """,
    "ddim.by_hand": """
        rates without roots: → (1.72 / 0.36, 0.9216 * 1.72 / 0.36 - 0.0392, 0.2732)
        the noise of t: → (3, 2.48, 0.2732)
        forward noise: → (3, 2.74, 0.780625)
        variance: → (3, 2.74, 0.0746)
        only sigma wrong, and the faded image: → (1.8, 2.74, 0.780625)
    """,
    "ddim.timesteps": """
        range: → list(range(0, T + 1, T // steps))[::-1]
        linspace with too few: → [round(float(t)) for t in np.linspace(T, 0, steps)]
        floors:
            → [int(T * (i / steps) ** (1 + (spacing != "linear"))) for i in range(steps, -1, -1)]
        whole division: → [T * i // steps for i in range(steps, -1, -1)]
        upwards: → [round(T * (i / steps) ** (1 + (spacing != "linear"))) for i in range(steps + 1)]
        no zero:
            → [round(T * (i / steps) ** (1 + (spacing != "linear"))) for i in range(steps, 0, -1)]
    """,
    "ddim.step": """
        one step's alpha: 1 - a_t**2 / a_s**2 → 1 - schedule.alphas[t].item()
        no sigma under the root: math.sqrt(b_s**2 - sigma**2) → (b_s**2) ** 0.5
        variance times noise: sigma * noise → sigma * sigma * noise
        eta left out: eta * b_s / b_t → b_s / b_t
        not scaled back: (xt - b_t * eps) / a_t → xt - b_t * eps
        sigma gone without noise: b_s**2 - sigma**2 → b_s**2 - sigma**2 * (noise is not None)
        rates without roots:
            x0 = (xt → a_t, b_t, a_s, b_s = (r * r for r in (a_t, b_t, a_s, b_s));x0 = (xt
            b_s**2 - sigma**2 → max(0.0, b_s**2 - sigma**2)
    """,
    "ddim.slerp": """
        straight: → (1 - w) * u + w * v
        whole batch: u.flatten(1), v.flatten(1) → u.flatten()[None], v.flatten()[None]
        not normalised: / lengths → / 1
        other end:
            (1 - w) * angle) * p → w * angle) * p
            sin(w * angle) * q → sin((1 - w) * angle) * q
    """,
    "ddim.sample": """
        network at s: model(x, t) → model(x, s)
        stops early: (steps, -1, -1) → (steps, 0, -1)
        one time too few: range(steps, -1, -1) → np.linspace(steps, 0, steps)
        floors: round( → math.floor(
    """,
    "ddim.order": """
        sign: -slope → slope
        no root: .mean().sqrt() → .mean()
        largest: (sampler(n) - exact).square().mean().sqrt() → (sampler(n) - exact).abs().amax()
        absolute: (sampler(n) - exact).square().mean().sqrt() → (sampler(n) - exact).abs().mean()
    """,
    "ddpm.by_hand": """
        sum of the betas: → (0.405, 3 * 0.405**0.5, 0.595)
        mean by alpha-bar: → (0.49, 1.47, 0.51)
        deviation: → (0.49, 2.1, 0.7141)
        deviation, and mean by alpha-bar: → (0.49, 1.47, 0.7141)
    """,
    "ddpm.alpha_bars": """
        no first entry: → (1 - betas).cumprod(0)
        alphas: → torch.cat([torch.ones(1, dtype=betas.dtype), 1 - betas])
        product of betas: → torch.cat([torch.ones(1, dtype=betas.dtype), betas.cumprod(0)])
        as many as betas: → torch.cat([torch.ones_like(betas[:1]), (1 - betas[:-1]).cumprod(0)])
    """,
    "ddpm.q_sample": """
        no roots:
            bar = schedule.a(t, x0) ** 2
            return bar * x0 + (1 - bar) * eps
        variance of the noise: + schedule.b(t, x0) → + (1 - schedule.a(t, x0) ** 2)
        one root only: schedule.a(t, x0) → schedule.a(t, x0) * schedule.a(t, x0)
        t - 1: → q_sample(schedule, x0, (t - 1) % (schedule.T + 1), eps)
        swapped: → schedule.b(t, x0) * x0 + schedule.a(t, x0) * eps
    """,
    "ddpm.q_posterior": """
        beta: , beta * (1 - before) / (1 - now) → , beta
        deviation: beta * (1 - before) / (1 - now) → (beta * (1 - before) / (1 - now)) ** 0.5
        lost root on alpha-bar: before.sqrt() → schedule.alpha_bars[t - 1]
        lost root on alpha: alpha.sqrt() → (1 - beta)
        swapped: x0 + alpha → xt + alpha; (1 - now) * xt → (1 - now) * x0
    """,
    "ddpm.ancestral_step": """
        one repair, b: t == 1 → t < 0; beta.sqrt() → beta
        two repairs, b and noise: t == 1 → False
        two repairs, b and the end: beta.sqrt() → beta
        two repairs, noise and the end: schedule.alpha_bars[t] → schedule.alphas[t]
        no root over alpha: / alpha.sqrt() → / alpha
    """,
    "ddpm.eps_error": """
        ratio of rates: alpha_bar / (1 - alpha_bar) → schedule.a(t) / schedule.b(t)
        upside down: alpha_bar / (1 - alpha_bar) → 1 / schedule.snr[t]
        one over alpha-bar: "v": alpha_bar → "v": 1 / schedule.alpha_bars[t]
        beta: / beta**2 → / beta
    """,
    "ddpm.design_betas": """
        whole jump: → torch.sigmoid(-torch.linspace(first, last, T))
        first missing: 1 - alpha_bar / before → 1 - alpha_bar[1:] / before[1:]
        alphas: 1 - alpha_bar → alpha_bar
        half: sigmoid(log_snr) → sigmoid(0.5 * log_snr)
    """,
    "evaluation.by_hand": """
        no bins: → (-1, 13, 0.9)
        variances: → (2, 445, 0.9)
        with replacement: → (2, 13, 0.75)
        no bins, the root: → (-1, 13**0.5, 0.9)
    """,
    "evaluation.mmd": """
        all pairs:
            kernel(z, z).sum() - len(z) → kernel(z, z).sum()
            (len(z) * (len(z) - 1)) → len(z) ** 2
        n(n - 1) with the diagonal: kernel(z, z).sum() - len(z) → kernel(z, z).sum()
        n squared without: (len(z) * (len(z) - 1)) → len(z) ** 2
        h squared: / (2 * h**2) → / h**2
        clipped: → max(mmd(x, y, h), torch.zeros(()))
    """,
    "evaluation.frechet": """
        product of the roots: 2 * cross → 2 * (cov_a @ cov_b).sqrt().trace()
        diagonals: 2 * cross → 2 * (cov_a.diag() * cov_b.diag()).sqrt().sum()
        once: - 2 * cross → - cross
        not squared: square().sum() + → square().sum().sqrt() +
        root: → frechet(mean_a, cov_a, mean_b, cov_b).clamp(min=0) ** 0.5
        not clamped: (root @ cov_b @ root).clamp(min=0) → (root @ cov_b @ root)
    """,
    "evaluation.density_coverage": """
        the point itself: [:, k] → [:, k - 1]
        k + 1: [:, k] → [:, k + 1]
        not by k: / (k * len(x)) → / len(x)
        share of samples: inside.any(0) → inside.any(1)
        open balls: <= radius → < radius
    """,
    "evaluation.p_value": """
        middle: n = len(x) → n = (len(x) + len(y)) // 2
        never zero forgotten: (1 + sum → (sum; / (1 + len(orders)) → / len(orders)
        above only: v >= value → v > value
        one only: (1 + len(orders)) → len(orders)
    """,
    "evaluation.without_bias": """
        slope: [1] → [0]
        pieces of m: x.tensor_split(m) → x.split(m)
        over 1 / m: polyfit(splits → polyfit([1 / m for m in splits]
        mean: np.polyfit(splits, means, 1)[1] → np.mean(means)
    """,
    "gaussians.by_hand": """
        middle: → (21.5, 4 / 3, 2.403)
        variances added: → (22, 6, 2.403)
        no half: → (22, 4 / 3, 4.8069)
        other way: → (22, 4 / 3, 0.5 * (0.5 - 1 + 9 / 4 + math.log(2)))
        precision: → (22, 0.75, 2.403)
    """,
    "gaussians.push": """
        deviation: noise**2 → noise
        one side: A @ C @ A.T → A @ C
        everywhere: noise**2 * torch.eye(len(c), dtype=C.dtype) → noise**2
        no shift: A @ m + c → A @ m
        diagonals: A @ C @ A.T → torch.diag(torch.diag(A @ C @ A.T))
    """,
    "gaussians.kl": """
        other way: → kl(m2, C2, m1, C1)
        no half: 0.5 * ( → (
        inverse of entries: torch.linalg.solve(C2, C1) → ((1 / C2) @ C1)
            torch.linalg.solve(C2, apart) → ((1 / C2) @ apart)
        diagonals: C1).trace() → C1.diagonal().diag()).trace()
        no dimension: - len(m1) + → +
        determinants exchanged: logdet(C2) - torch.logdet(C1) → logdet(C1) - torch.logdet(C2)
    """,
    "gaussians.fill": """
        mean only: m[u] + gain @ (x[v] - m[v]) → m[u]
        no inverse: torch.linalg.solve(C[v][:, v], C[v][:, u]).T → C[v][:, u].T
        inverse of entries:
            torch.linalg.solve(C[v][:, v], C[v][:, u]).T → C[u][:, v] @ C[v][:, v] ** -1
        deviation forgotten: (x[v] - m[v]) → x[v]
    """,
    "gaussians.score": """
        weights for responsibilities: log_joint.softmax(-1) → w.expand(len(x), -1)
        b: + b**2 → + b
        line: x.shape[1] / 2 * variance.log() → 0.5 * variance.log()
        sign: return - → return +
        not faded: - a * m → - m
    """,
    "gaussians.denoise": """
        b once: b**2 * s) → b * s)
        noise only: * (1 + b**2 * slope) → * 1
        no division: b**2 / a**2 * (1 → b**2 * (1
        slope of the guess: → (denoise(score, x, a, b)[0], denoise(score, x, a, b)[1] * a / b**2)
    """,
    "gaussians.bound": """
        no half: 0.5 * (v + m**2 → (v + m**2
        rebuilt at the mean: ** 2 + w**2 * v) → ** 2)
        cost added: cost = 0.5 → cost = -0.5
        gap negative: , log_p - (rebuilt - cost) → , (rebuilt - cost) - log_p
    """,
    "geometry.by_hand": """
        twice: → (17, 3, -1)
        one edge: → (8.5, 2, -1)
        left: → (8.5, 3, 1)
        twice, and left: → (17, 3, 1)
    """,
    "geometry.turn": """
        sign: → int(np.sign((q - p)[0] * (r - p)[1] - (q - p)[1] * (r - p)[0]))
        absolute: <= 1e-9 * (abs(a) + abs(b)) → < 1e-9
        lengths: (abs(a) + abs(b)) → (np.linalg.norm(q - p) * np.linalg.norm(r - p))
        mirrored: 1 if a > b → -1 if a > b; else -1 → else 1
    """,
    "geometry.inside": """
        both ends: (low[1] <= y) & (y < high[1]) → (low[1] <= y) & (y <= high[1])
        no ends: (low[1] <= y) → (low[1] < y)
        last edge: np.roll(polygon, -1, axis=0), strict=True → polygon[1:]
        any: ^= → |=
        line: & left → & True
    """,
    "geometry.meet": """
        or: > 0 or → > 0 and
        strict: s) > 0 → s) >= 0; q) > 0 → q) >= 0
        no boxes: return bool((low <= high).all()) → return True
        in x: (low <= high).all() → (low <= high)[0]
        or kept, no boxes: > 0 or → > 0 and; bool((low <= high).all()) → True
    """,
    "geometry.hull": """
        sides kept: <= 0 → < 0
        reversed: np.array(corners) → np.array(corners)[::-1]
        x only: np.unique(points, axis=0) → np.array(sorted(points, key=lambda point: point[0]))
        ends twice: chain[:-1] → chain
        closed: np.array(corners) → np.array(corners + corners[:1])
    """,
    "geometry.crossings": """
        twice: // 2 → // 1
        touching: before * after < 0 → before * after <= 0
        neighbours: → int((np.diff(start) * np.diff(end) < 0).sum())
    """,
    "geometry.ratio": """
        half sides: side / 2 * → side *
        size: float(geometry.polygon_area(f(x + square)) / side**2) → abs(ratio(f, x, side))
        one side: / side**2 → / side
        corner: [[-1, -1], [1, -1], [1, 1], [-1, 1]] → [[0, 0], [2, 0], [2, 2], [0, 2]]
    """,
    "objects.predict": """
        boxes: → {"a": [1, 2, 3], "b": [1, 2, 4], "c": [1, 2, 5]}
        one list: → {"a": [1, 2, 3, 5], "b": [1, 2, 3, 4], "c": [1, 2, 3, 5]}
        y is b: → {"a": [1, 2, 3], "b": [0], "c": [1, 2, 5]}
        boxes, and a call copies: → {"a": [1, 2, 3], "b": [1, 2, 4], "c": [1, 2]}
    """,
    "objects.views": """
        all copies: → [[0, 1, 2], [13, 14, 100]]
        index views: → [[7, -1, 0], [7, 14, 100]]
        reshape copies: → [[7, -1, 2], [7, 14, 15]]
        float and reshape copy: → [[7, 1, 2], [7, 14, 15]]
    """,
    "objects.places": """
        no offset: offset + sum → sum
        contiguous: → offset + torch.arange(math.prod(shape)).reshape(shape)
        other order: → places(shape, offset, tuple(reversed(stride)))
    """,
    "objects.storages": """
        count: → len(tensors)
        data_ptr: .untyped_storage().data_ptr() → .data_ptr()
        id: → len(set(map(id, tensors)))
    """,
    "objects.film": """
        as given: → [x0.mul_(a).add_(b * noise) for a, b in rates]
        cloned at the end: → [x0.mul_(a).add_(b * noise).clone() for a, b in rates]
        one clone: → [x.mul_(a).add_(b * noise) for x in [x0.clone()] for a, b in rates]
        noise scaled in place: b * noise → noise.mul_(b)
    """,
    "objects.plan": """
        rule of thumb: math.exp(-1 / tau) → 1 - 1 / tau
        ceil: math.floor(math.log(share) / math.log(decay)) + 1 → math.ceil(-tau * math.log(share))
        half-life: → (0.5 ** (1 / tau), math.floor(math.log(share) / math.log(0.5) * tau) + 1)
        floor: math.log(decay)) + 1 → math.log(decay))
    """,
    "objects.average": """
        aliases, mul_ and add_: .detach().clone() → .detach()
            .lerp_(parameter, 1 - d) → .mul_(d).add_(parameter, alpha=1 - d)
        aliases: p.detach().clone() → p.data
        no warm-up: d = min(self.decay, (1 + self.updates) / (10 + self.updates)) → d = self.decay
        exchanged: lerp_(parameter, 1 - d) → lerp_(parameter, d)
        from zero: self.updates) / (10 + self.updates) → self.updates - 1) / (9 + self.updates)
        history: with torch.no_grad(): → if True:
    """,
    "objects.with_weights": """
        no copies: value.clone() → value
        lax: load_state_dict(weights) → load_state_dict(weights, strict=False)
        no result: return function(model) → function(model)
        a twin: return function(model) → return function(objects.snapshot(model))
    """,
    "own_digits.loss": """
        the image: labels) - eps → labels) - x0
        no roots: schedule.a(t, x0) * x0 → schedule.a(t, x0) ** 2 * x0
            schedule.b(t, x0) → schedule.b(t, x0) ** 2
        a sum: .square().mean() → .square().sum()
        variance: schedule.b(t, x0) * eps → (1 - schedule.a(t, x0) ** 2) * eps
        of x0: network(xt → network(x0
    """,
    "own_digits.step": """
        nothing clipped: .clamp(-1, 1) →
        eps kept: (xt - a * x0) / b → eps
        no sigma under the root: - sigma**2 → - 0 * sigma
        a single step's beta: 1 - a**2 / schedule.a(s) ** 2 → 1 - schedule.alphas[t]
        variance: sigma * noise → sigma * sigma * noise
        the state clipped: xt - b * eps → xt.clamp(-1, 1) - b * eps
    """,
    "own_digits.sample": """
        whole division: round(T * i / calls) → T * i // calls
        no zero: range(calls, -1, -1) → range(calls, 0, -1)
        the network at s: network(x, t → network(x, s
        one noise: noises[i] → noises[0]
        upwards: range(calls, -1, -1) → range(0, calls + 1)
    """,
    "own_digits.distance": """
        product of the roots: 2 * cross → 2 * (cov_a @ cov_b).sqrt().trace()
        once: - 2 * cross → - cross
        root: → distance(a, b).clamp(min=0) ** 0.5
        no means: return gap + → return
        not clamped: (root @ cov_b @ root).clamp(min=0) → (root @ cov_b @ root)
    """,
    "own_digits.report": """
        all together: sum(apart) / len(classes) → distance(features, real)
        summed: sum(apart) / len(classes) → sum(apart)
        by the classifier: features[labels == c] → features[seen == c]
        wrong ones: seen == labels → seen != labels
    """,
    "own_digits.luck": """
        biased: , ddof=1 →
        variance: np.std → np.var
        of the mean: np.std(values, ddof=1) → np.std(values, ddof=1) / len(draws) ** 0.5
        no draws: rows[draw] → rows
    """,
    "own_sampler.budget": """
        one more: self.used == self.calls → self.used > self.calls
        one less: self.used == self.calls → self.used + 1 == self.calls
        twice: self.used += 1 → self.used += 2
        images: self.used += 1 → self.used += x.shape[0]
        no end: self.used == self.calls → self.calls < 0
        no count: self.used += 1 → self.used = self.used
    """,
    "own_sampler.grid": """
        linspace with too few:
            → [round(float(t) ** power) for t in np.linspace(T ** (1 / power), 0, calls + 1)]
        no zero: + [0] →
        upwards: → [0, *grid(T, calls, last, power)[-2::-1]]
        floors: round( → int(
        even always: → [round(T + (last - T) * i / (calls - 1)) for i in range(calls)] + [0]
        other power: T ** (1 / power), last ** (1 / power) → T**power, last**power
            (calls - 1)) ** power → (calls - 1)) ** (1 / power)
        by calls: / (calls - 1) → / calls
    """,
    "own_sampler.jump": """
        eps for data:
            eps = (x - a * data) / b → eps, data = data, (x - b * data) / a
        noise at the end: eta * schedule.b(s) / b * → eta *
            (schedule.b(s) ** 2 - sigma**2) → max(0.0, schedule.b(s) ** 2 - sigma**2)
        all of the old noise: (schedule.b(s) ** 2 - sigma**2) ** 0.5 → schedule.b(s)
        one beta: (1 - a**2 / schedule.a(s) ** 2) → schedule.betas[t]
        variance: sigma * noise → sigma**2 * noise
        no eta: eta * → 1 *
        not divided: (x - a * data) / b → (x - a * data)
        a_t: schedule.a(s) * data → schedule.a(t) * data
    """,
    "own_sampler.guess": """
        no half: (2 * (first - middle)) → (first - middle)
        upside down:
            (middle - last) / (2 * (first - middle)) → (first - middle) / (2 * (middle - last))
        in time: math.log(schedule.b(u) / schedule.a(u)) → u
        half always: (middle - last) / (2 * (first - middle)) → 0.5
        sign: now + → now -
        sigma: math.log(schedule.b(u) / schedule.a(u)) → schedule.b(u) / schedule.a(u)
        last step too: before is None or s == 0 → before is None
        nothing: → now
    """,
    "own_sampler.walk": """
        asks again: before, r = now, t → before, r = denoise(x, t), t
        r only once: before, r = now, t → before, r = now, t if r is None else r
        r is s: before, r = now, t → before, r = now, s
        keeps the state: before, r = now, t → before, r = x, t
        nothing kept: before, r = now, t → before = None
        keeps the guess:
            now = denoise(x, t) → now = guess(denoise(x, t), before, r, t, s)
            jump(x, guess(now, before, r, t, s), → jump(x, now,
        one noise: noises[i] → noises[0]
    """,
    "own_sampler.compare": """
        spread of one: / len(gaps) ** 0.5 →
        biased: , ddof=1 →
        sign: measure(one, seed) - measure(other, seed) → measure(other, seed) - measure(one, seed)
        n: len(gaps) ** 0.5 → len(gaps)
        absolute: np.mean(gaps) → np.mean(np.abs(gaps))
        variance: np.std(gaps, ddof=1) / len(gaps) ** 0.5 → np.var(gaps, ddof=1) / len(gaps)
    """,
    "ode.by_hand": """
        up to the noise: → 5.6, 5.22, 4.98
        both slopes added: → 2.4, 2.04, 3.12
        the new slope at the start: → 2.4, 2.9, 3.12
        the end of the slope at the old time: → 2.4, 2.72, 3.12
        Euler's end as the middle: → 2.4, 3.02, 3.34
        half of the way with the middle's slope: → 2.4, 3.02, 3.56
    """,
    "ode.divergence": """
        the whole gradient: row.flatten(1)[:, i] → row.flatten(1).sum(1)
        of the batch: → sum(torch.autograd.grad(f(x.requires_grad_()).sum(), x)[0].flatten())
        the mean over the entries: return total.detach() → return total.detach() / x[0].numel()
        only the last entry: range(slope.shape[1]) → range(slope.shape[1] - 1, slope.shape[1])
        only the first entry: range(slope.shape[1]) → range(1)
        without sign: return total.detach() → return total.detach().abs()
    """,
    "ode.grid": """
        without the 0: + [0.0] →
        divided by steps: i / (steps - 1) → i / steps
        the root forgotten at the end: * (last - first)) ** rho → * (last - first))
        powers for roots: high ** (1 / rho), low ** (1 / rho) → high**rho, low**rho
            (last - first)) ** rho → (last - first)) ** (1 / rho)
        from below: for i in range(steps)] → for i in reversed(range(steps))]
        rho not used: → [high + i / (steps - 1) * (low - high) for i in range(steps)] + [0.0]
    """,
    "ode.heun": """
        Euler: return x + h * (first + second) / 2 → return there
        sum of the slopes: (first + second) / 2 → (first + second)
        asked at the old level: denoise(there, following) → denoise(there, sigma)
        D for the slope: (x - denoise(x, sigma)) / sigma → denoise(x, sigma)
        upwards: h = following - sigma → h = sigma - following
        no special case at 0: if following == 0 → if False
    """,
    "ode.multistep": """
        untouched: h / (2 * length) → length / (2 * h); before = data, h → before = x, h
        only the memory repaired: h / (2 * length) → length / (2 * h)
        only the factor repaired: before = data, h → before = x, h
        the ratio alone: h / (2 * length) → h / length
        the difference turned around: (data - old) → (old - data)
        DDIM: if before is not None → if False
    """,
    "ode.velocity": """
        the reverse drift: beta / (2 * b) → beta / b
        minus: + beta / (2 * b) → - beta / (2 * b)
        eps as the score: beta / (2 * b) * eps → beta / 2 * eps
        outward: -beta / 2 * x → beta / 2 * x
        no half in the drift: -beta / 2 * x → -beta * x
        the variance: beta / (2 * b) → beta / (2 * b**2)
    """,
    "sde.by_hand": """
        up in time: mean = 1.5 - → mean = 1.5 +; flow = 1.5 - → flow = 1.5 +
        the push with h: math.sqrt(3 * 0.04) → math.sqrt(3) * 0.04
        minus beta: drift = -0.5 * 3 * 1.5 → drift = -3 * 1.5
        f alone: drift = -0.5 * 3 * 1.5 → drift = -0.5 * 3
        the flow with g²: drift - 0.5 * 3 → drift - 3
        the reverse pull at every dial: 0.625 * 3 → 3
    """,
    "sde.dial": """
        squared: math.sqrt(math.log(found) / math.log(rho)) → math.log(found) / math.log(rho)
        the covariance: / math.sqrt((p**2).mean() * (q**2).mean()) →
        means left in: early - early.mean(0), late - late.mean(0) → early, late
        no logarithm: math.sqrt(math.log(found) / math.log(rho)) → float(found) / rho
        the other way round: math.log(found) / math.log(rho) → math.log(rho) / math.log(found)
        a mean of everything: .mean(0), late - late.mean(0) → .mean(), late - late.mean()
    """,
    "sde.loss": """
        the sign of the target: b * score + eps → b * score - eps
        eps as the target: b * score + eps → score - eps
        without weight: (b * score + eps) → (score + eps / b)
        weight b: (b * score + eps).square() → (b * (score + eps / b).square())
        added up: .mean() → .sum()
        one b for all: b.reshape(-1, *[1] * (eps.ndim - 1)) → b.mean()
    """,
    "sde.process": """
        g squared: (2 * b * (db - f * b)) ** 0.5 → 2 * b * (db - f * b)
        the slope of a: f = da / a → f = da
        what comes in alone: (db - f * b) → db
        added: (db - f * b) → (db + f * b)
        no factor 2: (2 * b → (b
        of the ratio of deviations: (2 * b * (db - f * b)) → (a**2 * (db / a - b * da / a**2))
    """,
    "sde.sample": """
        untouched: beta * score(x, t) → beta / 2 * score(x, t)
            size * score(x, s) + math.sqrt(2 * size) → size * score(x, s) + math.sqrt(size)
        only the corrector repaired: beta * score(x, t) → beta / 2 * score(x, t)
        only the predictor repaired: math.sqrt(2 * size) → math.sqrt(size)
        the noise taken out instead: + math.sqrt(beta) * noise[i, 0] → + 0 * noise[i, 0]
            beta * score(x, t) → beta / 2 * score(x, t)
        one draw for both: noise[i, 1] → noise[i, 0]
        noise in the end: if s > 0 → if True
    """,
    "sde.step": """
        upwards: x - h → x + h
        noise with h: math.sqrt(h) → h
        the pull of the reverse process: (1 + eta**2) / 2 → 1
        eta not squared: (1 + eta**2) → (1 + eta)
        without the root of the time: g * math.sqrt(h) → g**2 * math.sqrt(h)
        no dial in the noise: eta * g * math → g * math
    """,
}

OTHERS = {
    "ddim.timesteps": """
        rounded up: round( → math.ceil(
        no spacing: else 2 → else 1
        cubes: else 2 → else 3
        floats: round(T * (i / steps) ** power) → T * (i / steps) ** power
    """,
    "ddim.step": """
        sigma upside down: b_s / b_t → b_t / b_s
        noise everywhere: a_s * x0 → a_t * x0
        no noise: return xs if noise is None else xs + sigma * noise → return xs
    """,
    "ddim.slerp": """
        cosine: torch.acos( → torch.asin(
        degrees: torch.sin(w * angle) * q → w * q
        no root: arc / torch.sin(angle) → arc
    """,
    "ddim.sample": """
        b over a: schedule.a(s) * x0 → schedule.a(t) * x0
        faded: / schedule.a(t) → / schedule.a(s)
    """,
    "ddim.order": """
        sum: .mean().sqrt() → .sum()
        base ten once: np.log(errors) → np.log10(errors)
        ends:
            np.log(steps) → np.log(steps[-2:])
            np.log(errors) → np.log(errors[-2:])
    """,
    "ddpm.alpha_bars": """
        zero first: torch.ones_like → torch.zeros_like
        roots: → alpha_bars(betas).sqrt()
        log: 1 - betas, 0) → -betas, 0)
    """,
    "ddpm.q_sample": """
        no fading: schedule.a(t, x0) * x0 → x0
        root of b: schedule.b(t, x0) → schedule.b(t, x0) ** 0.5
        minus: + schedule.b → - schedule.b
    """,
    "ddpm.q_posterior": """
        mean alone: return mean, beta * (1 - before) / (1 - now) → return mean
        ratio: * (1 - before) / (1 - now) * xt → * xt
        later: before.sqrt() → now.sqrt()
    """,
    "ddpm.ancestral_step": """
        posterior:
            beta.sqrt() → (beta * (1 - schedule.alpha_bars[t - 1])).sqrt() / b
        plus: xt - beta → xt + beta
        none: return mean + beta.sqrt() * noise → return mean
        root of b lost: (1 - schedule.alpha_bars[t]).sqrt() → (1 - schedule.alpha_bars[t])
    """,
    "ddpm.eps_error": """
        no alpha: alpha * (1 → (1
        b of v: "v": alpha_bar → "v": 1 - schedule.alpha_bars[t]
        all roots: → eps_error(schedule, t, prediction) ** 0.5
    """,
    "ddpm.design_betas": """
        bars: return 1 - alpha_bar / before → return alpha_bar
        no first step: torch.ones(1, dtype=torch.float64) → alpha_bar[:1]
        exp: torch.sigmoid(log_snr) → log_snr.exp()
    """,
    "evaluation.mmd": """
        once: - 2 * kernel → - kernel
        norm: .square().sum(-1) → .norm(dim=-1)
        root: → mmd(x, y, h).clamp(min=0) ** 0.5
    """,
    "evaluation.frechet": """
        no means: (mean_a - mean_b).square().sum() + cov_a → cov_a
        no root: .clamp(min=0).sqrt().sum() → .sum()
        commuting: root @ cov_b @ root → cov_a @ cov_b
    """,
    "evaluation.density_coverage": """
        by the real points: (k * len(x)) → (k * len(real))
        exchanged: → tuple(reversed(density_coverage(x, real, k)))
        radius of samples: torch.cdist(real, real) → torch.cdist(x, x)
    """,
    "evaluation.p_value": """
        smaller: v >= value → v <= value
        p: (1 + sum → 1 - (1 + sum
        abs: v >= value → abs(v) >= abs(value)
    """,
    "evaluation.without_bias": """
        whole: → float(statistic(x))
        at one: [1] → @ [1, 1]
        first piece: x.tensor_split(m)] → x.tensor_split(m)[:1]]
    """,
    "gaussians.push": """
        transposed: A @ C @ A.T → A.T @ C @ A
        no noise: + noise**2 * torch.eye(len(c), dtype=C.dtype) →
        double: noise**2 → 2 * noise
    """,
    "gaussians.kl": """
        first covariance: solve(C2, apart) → solve(C1, apart)
        no logarithm: + torch.logdet(C2) - torch.logdet(C1) → + 0
        trace of the ratio: torch.linalg.solve(C2, C1).trace() → C1.trace() / C2.trace()
    """,
    "gaussians.fill": """
        of the unknown: solve(C[v][:, v], C[v][:, u]) → solve(C[u][:, u], C[v][:, u].T).T
        variances: torch.linalg.solve(C[v][:, v], C[v][:, u]).T → C[u][:, v] / C[v][:, v].diag()
        in a mean: out = x.clone() → out = m.clone()
    """,
    "gaussians.score": """
        exp: log_joint.softmax(-1) → log_joint.exp()
        over points: softmax(-1) → softmax(0)
        a: a**2 * s**2 → a * s**2
        no normaliser: - x.shape[1] / 2 * variance.log() →
    """,
    "gaussians.denoise": """
        minus: x + b**2 * s → x - b**2 * s
        root: b**2 / a**2 * (1 + b**2 * slope) → (b**2 / a**2 * (1 + b**2 * slope)) ** 0.5
        plus: (1 + b**2 * slope) → (1 - b**2 * slope)
    """,
    "gaussians.bound": """
        prior: , log_p - (rebuilt - cost) → , cost
        seen: variance = w**2 + s**2 → variance = s**2
        no logarithm: - 1 - math.log(v)) → - 1)
    """,
    "geometry.turn": """
        exact: abs(a - b) <= 1e-9 * (abs(a) + abs(b)) → a - b == 0
        larger: (abs(a) + abs(b)) → max(abs(a), abs(b))
        plus: abs(a - b) → abs(a + b)
    """,
    "geometry.inside": """
        winding: → geometry.point_in_polygon(points, polygon, "nonzero")
        on the edge: (y - low[1]) > → (y - low[1]) >=
        downwards: a[1] < b[1] else → a[1] > b[1] else
    """,
    "geometry.hull": """
        right turns: <= 0 → >= 0
        lower: points, points[::-1] → points,
        rolled: np.array(corners) → np.roll(corners, 1, axis=0)
    """,
    "geometry.crossings": """
        others: before * after < 0 → before * after > 0
        paths: (before * after < 0).sum()) // 2 → (before * after < 0).any(0).sum())
        no pairs: .sum()) // 2 → .sum() - 1) // 2
    """,
    "geometry.ratio": """
        clockwise: [[-1, -1], [1, -1], [1, 1], [-1, 1]] → [[-1, -1], [-1, 1], [1, 1], [1, -1]]
        not divided: / side**2 → / 1
        slopes:
            → np.linalg.det(f(x + side / 2 * np.eye(2)) - f(x - side / 2 * np.eye(2))) / side**2
    """,
    "objects.places": """
        offset times stride: offset + sum → offset * sum([*stride[:1]]) + sum
        flat: .reshape(shape) →
        one more: offset + sum → offset + 1 + sum
    """,
    "objects.storages": """
        values: → len({str(t.tolist()) for t in tensors})
        elements: .untyped_storage().data_ptr() → .untyped_storage().nbytes()
        shapes: .untyped_storage().data_ptr() → .shape
    """,
    "objects.film": """
        noisier: a * x0 → x0 := a * x0
        image itself: b * noise → b * noise if b else x0
        buffer: → [x.copy_(a * x0 + b * noise) for x in [x0.clone()] for a, b in rates]
    """,
    "objects.plan": """
        not whole:
            math.floor(math.log(share) / math.log(decay)) + 1 → math.log(share) / math.log(decay)
        newest: math.log(share) → math.log(share / (1 - decay))
        two: + 1 → + 2
    """,
    "objects.average": """
        zero: p.detach().clone() → torch.zeros_like(p)
        max: min(self.decay → max(self.decay
        two: self.updates) / (10 + self.updates) → self.updates + 1) / (11 + self.updates)
    """,
    "objects.with_weights": """
        own: load_state_dict(weights) → load_state_dict(own)
        assign: load_state_dict(own) → load_state_dict(own, assign=True)
        no return to own: finally: → except ZeroDivisionError:
    """,
}
