"""A process that does not outlive its supervisor."""

import json
import select
import subprocess
import sys

MODULE = """
import json, pathlib, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit("asked to stop"))
print(json.dumps({"argv": sys.argv[1:], "stdin": sys.stdin.read()}), flush=True)
signal.pause()
"""


def test_it_runs_the_module_and_asks_it_to_stop_when_the_pipe_ends(tmp_path):
    (tmp_path / "played.py").write_text(MODULE)
    process = subprocess.Popen(
        [sys.executable, "-m", "mlplane.local.tether", "lock", "played", "--flag", "value"],
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


def test_a_second_one_waits_until_the_first_has_gone(tmp_path):
    (tmp_path / "played.py").write_text("import signal; print('up', flush=True); signal.pause()")
    command = [sys.executable, "-m", "mlplane.local.tether", "lock", "played"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": tmp_path}
    with subprocess.Popen(command, **pipes) as first:
        assert first.stdout.readline() == "up\n"
        with subprocess.Popen(command, **pipes) as second:
            ready, _, _ = select.select([second.stdout], [], [], 0.5)
            assert ready == []
            first.kill()
            assert second.stdout.readline() == "up\n"
            second.kill()
