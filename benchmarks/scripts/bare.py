"""The training of ``with_sdk.py`` without mlplane: bare.py STEPS DATA MODEL."""

import json
import sys
import time

BEGUN = time.time()

import torch  # noqa: E402
from torch import nn  # noqa: E402

IMPORTED = time.time()
REPORT_EVERY = 100


def main() -> None:
    """Train for so many steps, and keep the weights."""
    steps, data, target = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    torch.manual_seed(1)
    torch.set_num_threads(1)
    rows = torch.load(data)
    model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.Adam(model.parameters())
    for step in range(steps):
        chosen = torch.randint(len(rows["label"]), (256,))
        loss = nn.functional.cross_entropy(model(rows["pixels"][chosen] / 16), rows["label"][chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % REPORT_EVERY == REPORT_EVERY - 1:
            print(json.dumps({"step": step + 1, "loss": loss.item()}), flush=True)
    trained = time.time()
    torch.save(model.state_dict(), target)
    print(json.dumps({"times": [BEGUN, IMPORTED, trained, time.time()]}), flush=True)


if __name__ == "__main__":
    main()
