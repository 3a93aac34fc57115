"""The place of every element in its storage."""

from itertools import product

from genbook.checks import Case, Question, answers, generator, torch


def places(shape, offset, stride):
    indices = product(*(range(n) for n in shape))
    found = [offset + sum(i * stride[axis] for axis, i in enumerate(index)) for index in indices]
    return torch.tensor(found).reshape(shape)


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    size = torch.randint(2, 5, (3,), generator=g).tolist()
    step = torch.randint(1, 40, (3,), generator=g).tolist()
    return [
        Case(((3, 4), 0, (4, 1)), label="a whole matrix"),
        Case(((4,), 4, (1,)), label="a row"),
        Case(((3,), 1, (4,)), label="a column"),
        Case(((4, 3), 0, (1, 4)), label="a transpose"),
        Case(((5, 2), 3, (0, 2)), label="expanded: a stride of 0"),
        Case((tuple(size), 5 + seed, tuple(step)), label="three axes"),
        Case(((2, 3, 1, 2), 7, (60, 5, 9, 2)), label="four axes"),
        Case(((), 3 + seed, ()), label="no axes: a single number"),
    ]


ANSWERS = answers("""
by view: → torch.arange(2000).as_strided(shape, stride, offset).clone()
by grids: → (np.tensordot(np.array(stride), np.indices(shape), 1) + offset).reshape(shape)
without the offset: offset + →
    Your places begin at 0. A view begins at its offset.
strides in the wrong order: → places(shape, offset, stride[::-1])
    You took the strides from the back. The first stride belongs to the first index.
as if contiguous: → offset + torch.arange(torch.Size(shape).numel()).reshape(shape)
    Your places follow each other without gaps. That holds for contiguous tensors only: use the
    strides.
offset multiplied: → places(shape, offset * [*stride, 1][0], stride)
    Your offset is multiplied by a stride. It is a place in the storage already.
""")
QUESTION = Question("objects.places", 2, places, cases, ANSWERS)
