"""``python -m mlplane.serving --model-name NAME --model-dir DIR``: serve one stored model.

Environment: ``MLPLANE_MODEL_DIGEST`` is the digest that the model must have; ``HOST`` and ``PORT`` say
where to listen. Exits with 1 and one sentence as its last line if the model cannot be served.
"""

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from mlplane.cpus import usable_cpus
from mlplane.errors import InvalidInput, MlplaneError
from mlplane.names import MODEL_DIGEST_ENV, MODEL_DIR


def main(argv: Sequence[str]) -> int:
    """Load and serve; returns the exit code."""
    parser = argparse.ArgumentParser(prog="mlplane.serving", description="Serve one stored model.")
    parser.add_argument("--model-name", required=True, help="Name of the model in the addresses.")
    parser.add_argument(
        "--model-dir", type=Path, default=Path(MODEL_DIR), help="Directory of the stored model."
    )
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("mlplane").setLevel(logging.INFO)
    # kserve's choice, of no use to who reads the log of a server.
    warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")
    try:
        _serve(options.model_name, options.model_dir)
    except MlplaneError as error:
        sys.stderr.write(f"mlplane serving: {' '.join(str(error).split())}\n")
        return 1
    return 0


def _serve(name: str, directory: Path) -> None:
    digest = os.environ.get(MODEL_DIGEST_ENV)
    if not digest:
        raise InvalidInput(f"{MODEL_DIGEST_ENV} is not set; allowed: the digest of the model, sha256:<hex>")
    host, port = os.environ.get("HOST", "0.0.0.0"), _port(os.environ.get("PORT", "8080"))  # noqa: S104
    os.environ.setdefault("OMP_NUM_THREADS", str(usable_cpus()))  # before torch starts its threads
    # kserve reads the arguments of the process when it is imported.
    sys.argv = [sys.argv[0], "--configure_logging=false"]
    from mlplane.serving.artifact import load_predictor
    from mlplane.serving.model import ExportedModel
    from mlplane.serving.server import serve

    model = ExportedModel(name, load_predictor(directory, digest))
    logging.getLogger("mlplane.serving").info("serving %s (%s) on %s:%d", name, digest, host, port)
    serve(model, host, port)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise InvalidInput(f"PORT is {text!r}; allowed: a number from 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
