"""How many storages are there?"""

from genbook import objects  # noqa: F401, for the answers
from genbook.checks import Case, Question, answers, generator, torch


def storages(tensors):
    return len({tensor.untyped_storage().data_ptr() for tensor in tensors})


# What each is, and how it is made: of a tensor x, its clone y and more clones, or of a network.
COLLECTIONS = {
    "a tensor and its clone": "[x, y{}]",
    "views of one tensor, and a clone": "[x, x[1:], x.T, x[:, ::2], y{}]",
    "two halves that do not overlap": "[x[:2], x[2:]{}]",
    "four ways of looking at one storage": "[x, x.detach(), x.float(), x.view(-1){}]",
    "copies of all kinds": "[x, x[[0]], x[x > 0], x.double(), x.T.reshape(-1), y[1], x + 0{}]",
    "slices, some twice": "[y[3], x[3], x[1], y[3]{}]",
    "the state_dict of a network with a shared layer": "list(net.state_dict().values())",
    "no tensors at all": "[]",
}


def use(answer, given, made):
    """Do as the story says."""
    names = {"torch": torch, "nn": torch.nn}
    exec(given, names)
    return answer(eval(made, names))


def cases(seed: int) -> list[Case]:
    """The collections, most of them with some more clones: how many, the seed decides."""
    g = generator(seed)
    x = "x = torch.randn(4, 6); y = x.clone(); "
    z = "z = [x.clone() for _ in range(5)]; "
    net = "layer = nn.Linear(3, 3); net = nn.Sequential(layer, layer, nn.Linear(3, 3)); "
    found = []
    for label, made in COLLECTIONS.items():
        more = int(torch.randint(0, 6, (), generator=g))
        made = made.format(f", *z[:{more}]" if more else "")
        given = net if "net" in made else x + (z if "z[" in made else "")
        found.append(Case((given, made), label=label, story=f"{given}storages({made})"))
    return found


ANSWERS = answers("""
count those that share nothing with an earlier one:
    shares = objects.shares_storage
    return sum(not any(shares(x, y) for y in tensors[:i]) for i, x in enumerate(tensors))
by where the storage begins, computed from the tensor:
    begins = [t.data_ptr() - t.storage_offset() * t.element_size() for t in tensors]
    return torch.tensor(begins, dtype=torch.int64).unique().numel() * torch.tensor(1)
counts tensors: → len(tensors)
    You counted the tensors. Several tensors can lie on one storage.
counts objects: tensor.untyped_storage().data_ptr() → id(tensor)
    You counted tensor objects, by their identity. A view is an object of its own on a shared
    storage.
first number: .untyped_storage() →
    You compared where the *first number* lies (data_ptr). A slice of a storage begins elsewhere:
    ask where the storage begins.
equal numbers: tensor.untyped_storage().data_ptr() → tuple(tensor.flatten().tolist())
    You counted different *values*. A clone has equal numbers on a storage of its own.
""")
QUESTION = Question("objects.storages", 1, storages, cases, ANSWERS, use=use)
