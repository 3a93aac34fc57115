"""Train a network."""

from genbook.checks import Question, Training, answers, torch
from genbook.checks.ddpm.excess import BOUND, cosine, diagnose, mixture, score  # noqa: F401
from genbook.checks.ddpm.q_sample import q_sample
from genbook.data import toy2d
from genbook.nn.mlp import MLP


def train():
    network = MLP()
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(2000):
        x0 = toy2d.sample("eight_gaussians", 256)
        t = torch.randint(1, cosine.T + 1, (256,))
        eps = torch.randn_like(x0)
        output = network(q_sample(cosine, x0, t, eps), t)
        loss = (output - eps).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network


ANSWERS = answers("""
another optimiser, larger batches, a learning rate that falls, times in strata:
    Adam → AdamW; 2000 → 1500; toy2d.sample("eight_gaussians", 256) → mixture.sample(400)
    lr=3e-3) → lr=4e-3);decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 1500)
    torch.randint(1, cosine.T + 1, (256,)) → torch.arange(400) % cosine.T + 1
    (output - eps).square().mean() → torch.nn.functional.mse_loss(output, eps)
    optimiser.step() → optimiser.step();decay.step()
20 000 points, epoch by epoch, in float64; what counts is that the weights are right:
    MLP() → MLP().double();data = toy2d.sample("eight_gaussians", 20_000).double()
    _ in range(2000) → x0 in data[torch.rand(25, 20_000).argsort(1)].reshape(-1, 250, 2)
    x0 = toy2d.sample("eight_gaussians", 256) →; 256, → 250,
    q_sample(cosine, x0, t, eps) → cosine.a(t, x0) * x0 + cosine.b(t, x0) * eps
    (output - eps).square().mean() → (eps - output).pow(2).sum(1).mean()
image for noise: output - eps → output - x0
    Your network predicts the image x_0, and does it well. The question asks for the noise, eps.
v for noise: output - eps → output - (cosine.a(t, x0) * eps - cosine.b(t, x0) * x0)
    Your network predicts v = a eps − b x_0, and does it well. The question asks for the noise, eps.
no time: eps), t) → eps), torch.zeros_like(t))
    Your network was not told the time, or a time that had nothing to do with the noise, and makes
    the best of it. Give it the t of each point: `network(xt, t)`.
time as a fraction: eps), t) → eps), t / cosine.T)
    Your network was told t / T. Give it t itself, in steps from 1 to T: its embedding turns by one
    radian a step, and samplers will call it with steps.
variance for standard deviation:
    q_sample(cosine, x0, t, eps) → cosine.a(t, x0) * x0 + cosine.b(t, x0) ** 2 * eps
    Your network was trained on points whose noise was multiplied with 1 − ᾱ_t, its variance. The
    noise of x_t has the standard deviation √(1 − ᾱ_t).
untrained: range(2000) → range(0)
    Your network is about as good as one that always answers 0. Was it trained? Look for
    `loss.backward()`, `optimiser.step()`, and whether the network that you return is the one whose
    parameters the optimiser has.
not all times: cosine.T + 1 → cosine.T // 2 + 1
    At some noise levels your network is good, at others it has learned nothing. Draw t anew for
    each point, and from all of 1 to T.
""")
TRAINING = Training(MLP, score, BOUND, "excess loss", diagnose=diagnose)
QUESTION = Question("ddpm.train", 6, train, answers=ANSWERS, training=TRAINING)
