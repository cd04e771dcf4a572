"""The training of ``bare.py`` with mlplane: data, checkpoints, metrics, progress, and a model to serve."""

import json
import time

BEGUN = time.time()

import torch  # noqa: E402
from torch import nn  # noqa: E402

IMPORTED = time.time()

from mlplane import training  # noqa: E402

REPORT_EVERY = 100


def main() -> None:
    """Train for so many steps, and save the model."""
    params = training.params(steps=0)
    training.seed()
    torch.set_num_threads(1)
    rows = training.dataset("train").tensors()
    model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.Adam(model.parameters())
    kept = training.checkpoints(model=model, optimizer=optimizer)
    for step in range(kept.done, params.steps):
        chosen = torch.randint(len(rows["label"]), (256,))
        loss = nn.functional.cross_entropy(model(rows["pixels"][chosen] / 16), rows["label"][chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % REPORT_EVERY == REPORT_EVERY - 1:
            training.metrics(step=step + 1, loss=loss.item())
            training.progress(step + 1, params.steps)
            kept.save(step + 1)
    trained = time.time()
    training.save(model, sample={"pixels": rows["pixels"][:4]}, outputs=["scores"])
    print(json.dumps({"times": [BEGUN, IMPORTED, trained, time.time()]}), flush=True)


if __name__ == "__main__":
    main()
