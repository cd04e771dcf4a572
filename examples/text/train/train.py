"""A small network that tells when a sentence was spoken. Also runs by itself: python train/train.py"""

import torch
from torch import nn

from mlplane import training

MANIFEST = "dev/encoded.yaml"


class Eras(nn.Module):
    """Looks for short strings of characters anywhere in a sentence."""

    def __init__(self, width):
        super().__init__()
        self.characters = nn.Embedding(256, 16)
        self.strings = nn.Conv1d(16, width, 7, padding=3)
        self.dropout = nn.Dropout(0.3)
        self.scores = nn.Linear(width, 2)

    def forward(self, codes):
        characters = self.characters(codes.long()).transpose(1, 2)
        return self.scores(self.dropout(torch.relu(self.strings(characters).amax(2))))


@torch.no_grad()
def accuracy(model, rows, device):
    model.eval()
    right = model(rows["codes"].to(device)).argmax(1) == rows["era"].to(device)
    model.train()
    return right.float().mean()


def main():
    params = training.params(epochs=6, lr=0.005, width=96, batch=32)
    training.seed()
    ranks, device = training.distributed(), training.device()
    train = training.dataset("train", manifest=MANIFEST)
    validate = training.dataset("validate", manifest=MANIFEST).tensors()

    model = Eras(params.width).to(device)
    # Where there are several GPUs, each has a process with a copy of the model.
    trained = nn.parallel.DistributedDataParallel(model) if ranks.size > 1 else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=params.lr)
    batches = training.loader(train, params.batch, drop_last=True)
    kept = training.checkpoints(model=model, optimizer=optimizer)
    for epoch in range(kept.done, params.epochs):
        total = 0.0
        for batch in batches.epoch(epoch):
            with training.autocast():
                scores = trained(batch["codes"].to(device))
                loss = nn.functional.cross_entropy(scores, batch["era"].to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        validated = accuracy(model, validate, device)
        training.metrics(step=epoch + 1, loss=total / len(batches), validation_accuracy=validated)
        training.progress(epoch + 1, params.epochs)
        kept.save(epoch + 1)

    training.save(model, sample={"codes": validate["codes"][:4]}, outputs=["scores"])


if __name__ == "__main__":
    main()
