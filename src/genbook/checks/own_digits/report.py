"""Two numbers for a batch of digits: how near within the classes, and how often the right class."""

from genbook.checks import Case, Question, Tensor, answers, generator, torch


def report(distance, features, labels, seen, real, real_labels):
    classes = real_labels.unique()
    apart = [distance(features[labels == c], real[real_labels == c]) for c in classes]
    return sum(apart) / len(classes), (seen == labels).double().mean()


def gap(a: Tensor, b: Tensor) -> Tensor:
    """Some distance: it depends on which points, on their number, and on which set is the first."""
    few = torch.tensor([1 / max(1, len(a)), 3 / max(1, len(b))]).double().sum()
    return (a.mean(0) - 2 * b.mean(0)).square().sum() + few  # NaN, and no error, of none


def mean_share(seen: Tensor, labels: Tensor) -> Tensor:
    shares = [(seen[labels == c] == c).double().mean() for c in labels.unique()]
    return torch.stack(shares).mean()


def cases(seed: int) -> list[Case]:
    g = generator(seed)

    def case(n: int, m: int, kinds: list[int], label: str) -> Case:
        real_labels = torch.tensor(kinds)[torch.arange(m) % len(kinds)]
        labels = torch.tensor(kinds)[torch.arange(n) % len(kinds)]
        labels = labels[torch.randperm(n, generator=g)]
        seen = torch.where(torch.rand(n, generator=g) < 0.6, labels, labels.roll(1))
        features, real = torch.randn(n + m, 3, generator=g).double().split([n, m])
        features = features + labels[:, None]
        return Case((gap, features, labels, seen, real, real_labels), label=label)

    return [
        case(30, 50, [*range(10)], "ten classes"),
        case(22, 40, [0, 3, 4], "three classes of unequal size"),
        case(9, 12, [5], "one class"),
    ]


ANSWERS = answers("""
in a loop:
    total, right = 0.0, 0
    kinds = sorted(set(real_labels.tolist()))
    for c in kinds:
        total += float(distance(features[labels == c], real[real_labels == c]))
    for one, other in zip(seen.tolist(), labels.tolist()):
        right += one == other
    return total / len(kinds), right / len(labels)
by tensors:
    kinds = torch.unique(labels)
    masks = [(labels == c, real_labels == c) for c in kinds]
    apart = torch.stack([torch.as_tensor(distance(features[m], real[n])) for m, n in masks])
    return apart.mean(), 1 - (seen != labels).float().mean()
all at once: sum(apart) / len(classes) → distance(features, real)
    You compare all digits with all images. That cannot tell whether a 3 is a good 3 or an 8:
    compare class by class.
by what is seen: features[labels == c] → features[seen == c]
    You sort your digits by what the classifier sees. Then every wrong digit counts for the class
    that it resembles: sort them by what was asked for.
a sum: sum(apart) / len(classes) → sum(apart)
    You add the classes up. The question asks for their mean.
weighted by size: sum(apart) → sum(d * (labels == c).sum() for d, c in zip(apart, classes))
    / len(classes) → / len(labels)
    You weight the classes by how many digits they have. Every class counts the same.
the share of mistakes: seen == labels → seen != labels
    Your second number is the share of wrong digits. The accuracy is that of the right ones.
a count: .double().mean() → .double().sum()
    Your second number counts the right digits. Divide by how many there are.
the other way round: features[labels == c] → real[real_labels == c]
    real[real_labels == c]) for → features[labels == c]) for
    You call distance(real, yours). It is called with your digits first.
both swapped: → report(distance, features, labels, seen, real, real_labels)[::-1]
    Your two numbers are swapped: first the distance.
ten classes always: / len(classes) → / 10
    or: real_labels.unique() → range(10)
    You count on ten classes. Take those that there are.
a mean of shares: (seen == labels).double().mean() → mean_share(seen, labels)
    Your second number is a mean over the classes. The question asks for the share of all digits.
""")
QUESTION = Question("own_digits.report", 3, report, cases, ANSWERS)
