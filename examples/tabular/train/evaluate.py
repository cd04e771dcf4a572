"""A metric that only this team knows: how many malignant tumours are called benign."""

MALIGNANT, BENIGN = 0, 1


def evaluate(rows, predictions):
    """Called by mlplane for all rows, and for each slice.

    Args:
        rows: An array for each column of the dataset.
        predictions: The model's scores, one line for each row.
    """
    malignant = rows["diagnosis"] == MALIGNANT
    called_benign = predictions.argmax(axis=1) == BENIGN
    return {"missed": float((malignant & called_benign).sum() / max(malignant.sum(), 1))}
