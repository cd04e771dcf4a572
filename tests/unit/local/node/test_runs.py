"""Attempts of containers as real processes under real shims."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mlplane.local.node import runs, shim


@pytest.fixture
def over(folder, eventually):
    def wait():
        def ask():
            runs.reap()
            found = runs.read(folder, "c")
            return found[-1] if found and found[-1].is_over else None

        return eventually(ask)

    return wait


@pytest.fixture
def running(folder, eventually):
    def wait(attempt=0):
        def ask():
            known = (r for r in runs.read(folder, "c") if r.attempt == attempt)
            return next((r for r in known if r.state == "running"), None)

        return eventually(ask)

    return wait


@pytest.mark.parametrize("code", [0, 1, 77])
def test_an_exit_code_is_kept(run_shell, over, code):
    run_shell(f"exit {code}")
    run = over()
    assert (run.state, run.code, run.attempt) == ("exited", code, 0)
    assert run.started <= run.finished <= time.time()


def test_a_container_ended_by_a_signal_has_the_code_of_a_shell(run_shell, running, over):
    run_shell("sleep 60")
    runs.send(running(), signal.SIGTERM)
    assert over().code == 128 + signal.SIGTERM


def test_a_container_can_be_ended_from_the_moment_that_it_is_known(run_shell, running, over):
    for attempt in range(20):
        run_shell("sleep 60", attempt=attempt)
        runs.send(running(attempt), signal.SIGTERM)
        assert over().code == 128 + signal.SIGTERM


def test_output_and_errors_are_in_the_log_in_order(folder, run_shell, over):
    run_shell("echo one; echo two >&2; echo three")
    over()
    assert folder.log("c").read_text() == "one\ntwo\nthree\n"


def test_a_command_that_does_not_exist_says_so(folder, over):
    runs.start(folder, "c", 0, ["/no/such/thing"], {})
    run = over()
    assert (run.code, run.error) == (shim.NOT_STARTED, "exec '/no/such/thing': No such file or directory")


def test_the_process_has_its_own_session_and_the_pods_folder(folder, run_shell, over):
    run_shell("pwd; ps -o sid= -p $$; echo $$")
    over()
    where, session, pid = folder.log("c").read_text().split()
    assert where == str(folder.root)
    assert session == pid
    assert int(session) != os.getsid(0)


def test_the_environment_is_the_one_given_and_nothing_else(folder, run_shell, over, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "/secret")
    run_shell("env", TOKEN="t", LANG="C.UTF-8")
    over()
    names = {line.partition("=")[0] for line in folder.log("c").read_text().splitlines()}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "TOKEN", "LANG"}


def test_what_the_first_process_leaves_behind_is_ended(folder, run_shell, over, eventually):
    run_shell("sleep 60 & echo $!")
    over()
    eventually(lambda: shim.start_time(int(folder.log("c").read_text())) is None)


def test_an_attempt_is_run_once_however_often_it_is_started(folder, run_shell, over):
    for _ in range(8):
        run_shell("echo ran; sleep 0.2")
    over()
    for _ in range(3):
        run_shell("echo ran")
    assert folder.log("c").read_text() == "ran\n"


def test_an_attempt_whose_shim_never_came_can_be_started_again(folder, run_shell, over):
    (folder.attempts("c") / "0").mkdir(parents=True)
    assert runs.read(folder, "c")[-1].state == "starting"
    run_shell("echo ran")
    assert over().code == 0
    assert folder.log("c").read_text() == "ran\n"


def test_a_shim_that_vanished_leaves_a_lost_run_whose_process_can_still_be_ended(
    folder, run_shell, running, over, eventually
):
    run_shell("trap '' TERM; sleep 60 & wait")
    run = running()
    holder = runs._json(folder.attempts("c") / "0" / "shim.json")
    os.kill(holder["pid"], signal.SIGKILL)
    lost = over()
    assert (lost.state, lost.pid) == ("lost", run.pid)
    assert shim.start_time(run.pid) is not None
    runs.send(lost, signal.SIGKILL)
    eventually(lambda: shim.start_time(run.pid) is None)


def test_a_process_of_the_same_number_that_is_another_one_is_not_signalled(folder, run_shell, over):
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    ) as other:
        try:
            runs.send(runs.Run(0, "running", other.pid, f"{other.pid}-another-time"), signal.SIGKILL)
            assert other.poll() is None
            assert shim.start_time(other.pid) is not None
        finally:
            other.kill()


def test_the_log_of_the_attempt_before_is_kept_beside_the_present_one(folder, run_shell, over):
    run_shell("echo first")
    over()
    run_shell("echo second", attempt=1)
    assert over().attempt == 1
    assert folder.previous_log("c").read_text() == "first\n"
    assert folder.log("c").read_text() == "second\n"


def test_old_attempts_are_not_kept_for_ever(folder, run_shell, over):
    for attempt in range(runs.ATTEMPTS_KEPT + 3):
        run_shell("true", attempt=attempt)
        over()
    kept = [run.attempt for run in runs.read(folder, "c")]
    assert kept == list(range(3, runs.ATTEMPTS_KEPT + 3))


def test_where_there_is_no_proc_start_times_come_from_ps():
    mine = shim._start_time_from_ps(os.getpid())
    assert mine
    assert mine == shim._start_time_from_ps(os.getpid())
    assert shim._start_time_from_ps(2**22 + 1) is None


def test_a_zombie_counts_as_gone(eventually):
    child = os.fork()
    if child == 0:
        os._exit(0)
    try:
        eventually(lambda: shim.start_time(child) is None)
    finally:
        os.waitpid(child, 0)
