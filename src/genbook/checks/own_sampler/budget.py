"""A network that counts its calls, and refuses the one too many."""

from genbook.checks import Case, Misconception, Question, Tensor, answers, generator, torch
from genbook.checks.machinery.trusted import ours, theirs


class Budget:
    def __init__(self, denoise, calls):
        self.denoise, self.calls, self.used = denoise, calls, 0

    def __call__(self, x, t):
        if self.used == self.calls:
            raise RuntimeError(f"all {self.calls} calls are used")
        self.used += 1
        return self.denoise(x, t)


def use(answer, x, calls, times):
    """Ask at all these times; tell what came back, what was counted, and when it was refused."""
    asked, told = [], []

    @ours
    def denoise(x: Tensor, t: int) -> Tensor:
        asked.append(t)
        return x / (1 + t)

    network = answer(denoise, calls)
    start = theirs(lambda: network.used)
    for t in times:
        try:
            told.append(theirs(lambda t=t: network(x, t)))
        except NotImplementedError:
            raise
        except RuntimeError:
            told.append("refused")
        told.append(theirs(lambda: network.used))
    return {
        "used before the first call": start,
        "each call's answer, and used after it": told,
        "times at which the network itself was asked": asked,
    }


def cases(seed: int) -> list[Case]:
    g = generator(seed)

    def case(n: int, calls: int, times: list[int], label: str) -> Case:
        x = torch.randn(n, 2, generator=g)
        story = f"network = Budget(denoise, {calls}); then network(x, t) for t in {times}"
        return Case((x, calls, times), label=label, story=story)

    return [
        case(4, 5, [9, 6, 3], "within the budget"),
        case(3, 2, [8, 5, 2, 1], "two calls too many"),
        case(2, 3, [7, 7, 7, 7], "the same time again"),
        case(1, 1, [4 + seed % 5, 2], "a budget of one"),
    ]


class CountsDown:
    """Another right answer: what is left is counted."""

    def __init__(self, denoise, calls):
        self.ask, self.most, self.left = denoise, calls, calls

    @property
    def used(self):
        return self.most - self.left

    def __call__(self, x, t):
        if not self.left:
            raise RuntimeError("nothing is left")
        self.left -= 1
        return self.ask(x, t)


class CountsRefused(Budget):
    def __call__(self, x, t):
        self.used += 1
        if self.used > self.calls:
            raise RuntimeError
        return self.denoise(x, t)


class AsksFirst(Budget):
    def __call__(self, x, t):
        answer = self.denoise(x, t)
        if self.used == self.calls:
            raise RuntimeError
        self.used += 1
        return answer


KNOWN = (
    Misconception(
        "a refused call counts",
        CountsRefused,
        "A call that is refused was not made, and does not count.",
    ),
    Misconception(
        "asked all the same",
        AsksFirst,
        "You ask the network and refuse afterwards. The call that is too many must not be made.",
    ),
)
ANSWERS = answers("""
at least, and a sum: self.used == self.calls → self.used >= self.calls
    self.used += 1 → self.used = 1 + self.used
one call too many: self.used == self.calls → self.used > self.calls
    or: self.used == self.calls → self.used == self.calls + 1
    You let one call too many pass. With a budget of ten the eleventh is refused: look whether all
    are used *before* you ask.
one call too few: self.used == self.calls → self.used >= self.calls - 1
    or: self.used == self.calls → self.used == self.calls - 1
    You refuse the last call of the budget. A budget of ten allows ten.
counted twice: self.used += 1 → self.used += 2
    You count each call twice.
images are counted: self.used += 1 → self.used += len(x)
    or: self.used += 1 → self.used += len(x); self.used == → self.used >=
    You count images. One call for a whole batch is one call.
the same time is free:
    self.used += 1 → self.used += t != vars(self).get("last");self.last = t
    A second call at the same time costs as much as the first: count them all.
not counted: self.used += 1 →
    Nothing is counted: `used` stays 0, and no budget ends.
not refused: self.used == self.calls → False
    You never refuse. A call beyond the budget has to raise a RuntimeError.
""")
QUESTION = Question(
    "own_sampler.budget",
    2,
    Budget,
    cases,
    ANSWERS,
    KNOWN,
    alternatives=(CountsDown,),
    use=use,
)
