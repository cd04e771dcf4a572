"""A process that does not outlive its supervisor."""

import json
import subprocess
import sys

MODULE = """
import json, pathlib, signal, sys
print(json.dumps({"argv": sys.argv[1:], "stdin": sys.stdin.read()}), flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit("asked to stop"))
signal.pause()
"""


def test_it_runs_the_module_and_asks_it_to_stop_when_the_pipe_ends(tmp_path):
    (tmp_path / "played.py").write_text(MODULE)
    process = subprocess.Popen(
        [sys.executable, "-m", "mlplane.local.tether", "played", "--flag", "value"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert json.loads(process.stdout.readline()) == {"argv": ["--flag", "value"], "stdin": ""}
            assert process.poll() is None
            process.stdin.close()
            assert process.wait(10) == 1
            assert process.stderr.read() == "asked to stop\n"
        finally:
            process.kill()
