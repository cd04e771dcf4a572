"""Sentences as numbers, which is what a model takes. Also runs by itself: python encode/encode.py"""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlplane import training

WIDTH = 160


def codes_of(text):
    """The first bytes of a text, zeros after its end. Whoever asks the model does the same."""
    return text.encode()[:WIDTH].ljust(WIDTH, b"\0")


def main():
    sentences = training.source("sentences", manifest="dev/sentences.yaml").table()
    texts = sentences["text"].to_pylist()
    codes = np.frombuffer(b"".join(map(codes_of, texts)), np.uint8)
    encoded = pa.table(
        {
            "codes": pa.FixedSizeListArray.from_arrays(codes, WIDTH),
            "length": [len(text) for text in texts],
            "year": sentences["year"],
            "era": sentences["era"],
        }
    )
    pq.write_table(encoded, training.output("encoded.parquet"))


if __name__ == "__main__":
    main()
