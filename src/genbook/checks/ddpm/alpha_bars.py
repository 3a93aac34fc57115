"""From the betas to alpha-bar."""

from genbook.checks import Case, Question, answers, generator, torch


def alpha_bars(betas):
    return torch.cat([torch.ones_like(betas[:1]), torch.cumprod(1 - betas, 0)])


def cases(seed: int) -> list[Case]:
    six = 0.3 * torch.rand(6, generator=generator(seed)) + 0.01
    return [
        Case((torch.tensor([0.02, 0.2, 0.375]),), label="the β of question 1"),
        Case((six,), label="six β"),
        Case((torch.tensor([0.25], dtype=torch.float64),), label="a single step"),
        Case((torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64),), label="T = 1000"),
    ]


ANSWERS = answers("""
time by time: → torch.stack([(1 - betas[:t]).prod() for t in range(len(betas) + 1)])
by logarithms: → np.exp(np.append(0.0, np.log1p(-betas.double().numpy()).cumsum()))
product to T: torch.cumprod(1 - betas, 0) → (1 - betas).prod().expand(len(betas))
    All entries hold the product over all T steps. ᾱ_t is the product of α_1 to α_t only: an image
    at time t has not yet met the noise of the later steps.
alpha for alpha-bar: torch.cumprod(1 - betas, 0) → 1 - betas
    These are the α_t of single steps. ᾱ_t is what all steps up to t leave: their product.
no entry for t = 0: → torch.cumprod(1 - betas, 0)
    The entry for t = 0 is missing. Tensors of this book are indexed by t itself: T + 1 entries, and
    ᾱ_0 = 1, because nothing has happened to the image yet.
product of the betas: 1 - betas → betas
    You multiplied the β. What survives a step is α = 1 − β.
sum of the betas: torch.cumprod(1 - betas, 0) → 1 - betas.cumsum(0)
    You subtracted the sum of the β. That agrees with the product at the first step only, and
    becomes negative later.
last entry lost: cumprod(1 - betas, 0) → cumprod(1 - betas, 0)[:-1]
    Your last entry is missing. There are T + 1 times: ᾱ_0 to ᾱ_T.
roots: → alpha_bars(betas) ** 0.5
    You returned a_t, the root of ᾱ_t. The question asks for ᾱ_t itself.
nothing left at t = 0: torch.ones_like → torch.zeros_like
    Your ᾱ_0 is 0. Before the first step all of the image is left: ᾱ_0 = 1.
the β have one axis, which is the first and the last: betas, 0) ≡ betas, -1)
""")
QUESTION = Question("ddpm.alpha_bars", 1, alpha_bars, cases, ANSWERS)
