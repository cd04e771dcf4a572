"""A small network that tells malignant from benign tumours. Also runs by itself: python train/train.py"""

import torch
from torch import nn

from mlplane import training

COLUMNS = ("mean_radius", "mean_texture", "mean_perimeter", "mean_area", "mean_form", "error", "worst")


class Tumours(nn.Module):
    """Scores for malignant and benign; brings the measurements to one scale, and leaves out unused ones."""

    def __init__(self, table, used):
        super().__init__()
        self.register_buffer("mean", table.mean(0))
        self.register_buffer("scale", used / table.std(0))
        self.layers = nn.Sequential(
            nn.Linear(table.shape[1], 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2)
        )

    def forward(self, mean_radius, mean_texture, mean_perimeter, mean_area, mean_form, error, worst):
        columns = (mean_radius, mean_texture, mean_perimeter, mean_area, mean_form, error, worst)
        return self.layers((torch.cat(columns, dim=1) - self.mean) * self.scale)


def main():
    params = training.params(epochs=200, lr=0.01, columns="all", min_radius=0)
    training.seed()
    data = training.dataset("train", manifest="dev/dataset.yaml").tensors()
    chosen = data["mean_radius"] >= params.min_radius
    inputs = {name: data[name][chosen].reshape(int(chosen.sum()), -1) for name in COLUMNS}
    label = data["diagnosis"][chosen]

    table = torch.cat(list(inputs.values()), dim=1)
    used = [torch.full((t.shape[1],), float(params.columns in ("all", n))) for n, t in inputs.items()]
    model = Tumours(table, torch.cat(used))
    optimizer = torch.optim.Adam(model.parameters(), lr=params.lr, weight_decay=1e-3)
    loss_of = nn.CrossEntropyLoss()
    for epoch in range(params.epochs):
        loss = loss_of(model(*inputs.values()), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        training.metrics(step=epoch + 1, loss=loss.item())
        training.progress(epoch + 1, params.epochs)

    training.save(model, sample={name: tensor[:4] for name, tensor in inputs.items()}, outputs=["scores"])


if __name__ == "__main__":
    main()
