"""A small network that reads handwritten digits. Also runs by itself: python train/train.py"""

import torch
from torch import nn

from mlplane import training


class Digits(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(0.3), nn.Linear(hidden, 10))

    def forward(self, pixels):
        return self.layers(pixels / 16)


def main():
    params = training.params(epochs=30, lr=0.003, hidden=256)
    training.seed()
    device = training.device()
    data = training.dataset("train", manifest="dev/dataset.yaml").tensors()
    pixels, label = data["pixels"], data["label"]

    model = Digits(params.hidden).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=params.lr)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
    kept = training.checkpoints(model=model, optimizer=optimizer)
    for epoch in range(kept.done, params.epochs):
        total = 0.0
        for rows in torch.randperm(len(label)).split(32):
            noisy = pixels[rows] + 3 * torch.randn(len(rows), 64)
            loss = loss_of(model(noisy.to(device)), label[rows].to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        training.metrics(step=epoch + 1, loss=total / len(label))
        training.progress(epoch + 1, params.epochs)
        kept.save(epoch + 1)

    training.save(model, sample={"pixels": pixels[:4]}, outputs=["scores"])


if __name__ == "__main__":
    main()
