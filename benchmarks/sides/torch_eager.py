"""PyTorch as a user writes it: a module, an optimizer over what is trained, a loop over shuffled batches."""

from __future__ import annotations

import time

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.problem import ACTIVITY_L1, BETAS, DROPOUT, EPSILON, KERNEL_L2, Problem


class TwoStep(nn.Module):
    """genes -> Linear sigmoid -> Dropout -> Linear softplus -> Dropout -> Linear softplus."""

    def __init__(self, problem: Problem):
        super().__init__()
        first, second = problem.hidden
        self.layer1, self.layer2 = nn.Linear(problem.genes, first), nn.Linear(first, second)
        self.head = nn.Linear(second, 1)
        self.drop1, self.drop2 = nn.Dropout(DROPOUT[0]), nn.Dropout(DROPOUT[1])
        if problem.frozen:
            self.layer1.requires_grad_(False)

    def forward(self, x):
        """(prediction (n,), output of layer 1 (n, units))."""
        h = torch.sigmoid(self.layer1(x))
        z = self.drop2(F.softplus(self.layer2(self.drop1(h))))
        return F.softplus(self.head(z))[:, 0], h


def torch_device(problem: Problem, cores: int) -> torch.device:
    """Where torch computes here, seeded and with all cores."""
    torch.set_num_threads(cores)
    torch.manual_seed(problem.seed)
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.set_float32_matmul_precision("high")  # TF32, which the other libraries take by themselves
    return torch.device("cuda")


def prepare(problem: Problem, cores: int, fused: bool = False):
    """fused: Adam with all of its arithmetic in one pass; the default takes one pass per operation."""
    device = torch_device(problem, cores)
    x, y = (torch.from_numpy(part).to(device) for part in problem.training_set())
    model = TwoStep(problem).to(device)
    weights = {}
    for layer, (kernel, bias) in problem.first_weights().items():
        weights |= {f"{layer}.weight": torch.from_numpy(kernel.T.copy()), f"{layer}.bias": torch.from_numpy(bias)}
    optimizer = torch.optim.Adam(
        parameter_groups(model), lr=problem.learning_rate, betas=BETAS, eps=EPSILON, fused=fused or None
    )

    def measure() -> dict:
        model.load_state_dict(weights)
        for state in optimizer.state.values():
            for moment in state.values():
                moment.zero_()
        began = time.perf_counter()
        errors = [epoch(model, optimizer, x, y, problem.batch) for _ in range(problem.epochs)]
        mae = [errors[number].item() / len(y) for number in (0, -1)]  # waits for the device
        return {"seconds": time.perf_counter() - began, "mae": mae}

    return measure


def parameter_groups(model: TwoStep) -> list[dict]:
    """What is trained; the kernel's L2 as weight decay, which is the same gradient without a pass of its own."""
    moving = {name: leaf for name, leaf in model.named_parameters() if leaf.requires_grad}
    first = moving.pop("layer1.weight", None)
    decayed = [] if first is None else [{"params": [first], "weight_decay": 2 * KERNEL_L2}]
    return [*decayed, {"params": list(moving.values())}]


def epoch(model: TwoStep, optimizer, x, y, batch: int) -> torch.Tensor:
    """One pass over the rows in a fresh order, the last batch partial; sum of the absolute errors."""
    total = torch.zeros((), device=x.device)
    for rows in torch.randperm(len(y), device=x.device).split(batch):
        optimizer.zero_grad()
        prediction, h = model(x[rows])
        loss = F.mse_loss(prediction, y[rows]) + ACTIVITY_L1 / len(rows) * h.abs().sum()
        loss.backward()
        optimizer.step()
        total += (prediction.detach() - y[rows]).abs().sum()
    return total
