"""The engines' own program, another interpreter for containers: ``run_engines.py PYTHON ARGUMENT ...``."""

import sys

from mlplane.local.engines import main

if __name__ == "__main__":
    sys.executable = sys.argv.pop(1)
    main()
