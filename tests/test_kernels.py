"""The cache of compiled kernels: used again while nothing has changed, left when an imported kernel has."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from numba import TypingError, config, get_num_threads, set_num_threads
from numba.core import event

import helpers
from helpers import kernels
from helpers.kernels import kernel, share

INNER = "from helpers.kernels import kernel\n\n\n@kernel\ndef inner(x):\n    return x + {}\n"
MIDDLE = (
    "from helpers.kernels import kernel\nfrom inner import inner\n\n\n@kernel\ndef middle(x):\n    return inner(x)\n"
)
OUTER = "from helpers.kernels import kernel\nfrom {0} import {0}\n\n\n@kernel\ndef outer(x):\n    return {0}(x)\n"
CALL = "from outer import outer; print(outer(1), sum(outer.stats.cache_hits.values()))"


pytestmark = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")


@pytest.fixture
def call(tmp_path):
    """Return a function that calls the outermost kernel in a new process: its result, and hits of the cache."""
    root = Path(helpers.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}", "NUMBA_CACHE_DIR": str(tmp_path / "c")}

    def run():
        command = [sys.executable, "-B", "-c", CALL]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return tuple(map(int, done.stdout.split()))

    return run


@pytest.mark.parametrize("by_way_of", ["inner", "middle"])
def test_an_edit_in_another_file_is_seen(tmp_path, call, by_way_of):
    (tmp_path / "inner.py").write_text(INNER.format("1"))
    (tmp_path / "middle.py").write_text(MIDDLE)
    (tmp_path / "outer.py").write_text(OUTER.format(by_way_of))
    assert call() == (2, 0)
    assert call() == (2, 1)  # nothing changed, nothing compiled
    (tmp_path / "inner.py").write_text(INNER.format("20"))  # of another size, for times may be coarse
    assert call() == (21, 0)


def test_options_reach_numba():
    @kernel(error_model="numpy")
    def inverse(x):
        return 1 / x

    assert inverse(0.0) == float("inf")


def test_an_inner_kernel_is_called_by_kernels_alone():
    @kernel(inner=True, cache=False)
    def inner(x):
        return x + 1

    @kernel(cache=False)
    def outer(x):
        return inner(x) * 2

    with pytest.raises(TypeError, match="inner is compiled for other kernels to call"):
        inner(1)
    assert outer(1) == 4
    with pytest.raises(TypeError, match="inner is compiled for other kernels to call"):
        inner(1)
    assert inner.py_func(1) == 2


@kernel
def _mark(part, parts, marks, threads):
    """Say which part came here; take long enough for several threads to get one."""
    for i in range(len(marks) * part // parts, len(marks) * (part + 1) // parts):
        marks[i] += part
    threads[part] += 1


@pytest.mark.parametrize("parts", [1, 2, 7, 40])
@pytest.mark.parametrize("compiled", [True, False])
def test_every_part_is_done_once(parts, compiled):
    marks, done = np.zeros(1000, np.int64), np.zeros(parts, np.int64)
    share(_mark if compiled else _mark.py_func, parts, marks, done)
    assert done.tolist() == [1] * parts
    parted = np.concatenate([np.full(1000 * (p + 1) // parts - 1000 * p // parts, p) for p in range(parts)])
    np.testing.assert_array_equal(marks, parted)


def test_an_error_in_a_thread_is_raised():
    def refuse(part, parts):
        if part == 3:
            msg = "part 3"
            raise ValueError(msg)

    with pytest.raises(ValueError, match="part 3"):
        share(refuse, 5)
    refuse.signatures = ["as if compiled, so that threads run it"]
    with pytest.raises(ValueError, match="part 3"):
        share(refuse, 5)


def _beside(function):
    """Let threads run a plain function, as if it were compiled."""
    function.signatures = ["any"]
    return function


@pytest.fixture
def two_threads():
    """Two threads, whatever the tests are given."""
    before = get_num_threads()
    if config.NUMBA_NUM_THREADS < 2:
        pytest.skip("numba is given one thread")
    set_num_threads(2)
    yield
    set_num_threads(before)


def _who(part, parts, meeting, names):
    meeting.wait(600)  # until the other part has begun too
    names[part] = threading.current_thread()


def _names():
    """Return the threads that did the parts of a task."""
    names = {}
    share(_beside(_who), 2, threading.Barrier(2), names)
    return set(names.values())


def test_a_thread_is_used_again(two_threads):
    first = _names()
    assert _names() == first and len(first) == 2


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="processes do not fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # others have threads too
def test_threads_end_before_a_fork_and_begin_anew_after_it(two_threads):
    asleep = _names() - {threading.current_thread()}
    assert all(thread.is_alive() for thread in asleep)
    process = multiprocessing.get_context("fork").Process(target=lambda: sys.exit(len(_names())))
    process.start()
    assert not any(thread.is_alive() for thread in asleep)
    process.join(600)
    assert process.exitcode == 2
    assert len(_names()) == 2


def test_a_sleeping_thread_holds_no_array(two_threads):
    class Held(np.ndarray):
        pass

    array = np.zeros(3).view(Held)
    seen = weakref.ref(array)
    meeting = threading.Barrier(2)

    def touch(part, parts, array):
        meeting.wait(600)
        array[part] = 1

    share(_beside(touch), 2, array)
    assert array.tolist() == [1, 1, 0]
    del array, touch
    gc.collect()
    assert seen() is None


def test_several_callers_and_calls_within_calls(two_threads):
    def outer(part, parts, found):
        found[part] = len(_names())

    found = [[0, 0] for _ in range(4)]
    callers = [threading.Thread(target=share, args=(_beside(outer), 2, each)) for each in found]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert all(each == [2, 2] or set(each) <= {1, 2} for each in found)
    assert all(min(each) > 0 for each in found)


@pytest.fixture
def interruptible():
    """Let SIGINT interrupt, also where a shell has started the tests in the background and has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interruption_waits_until_nobody_writes(two_threads, interruptible):
    meeting, written = threading.Barrier(2), []

    def write(part, parts):
        meeting.wait(600)
        if threading.current_thread() is not threading.main_thread():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.3)
            written.append(part)

    with pytest.raises(KeyboardInterrupt):
        share(_beside(write), 2)
    assert len(written) == 1
    assert len(_names()) == 2  # and the thread is there again


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer interrupts here")
def test_interruptions_at_any_moment_leave_nobody_at_work(two_threads):
    random, writing, caught = np.random.default_rng(0), [], 0

    def write(part, parts):
        if threading.current_thread() is not threading.main_thread():
            writing.append(part)
            time.sleep(1e-4)
            writing.pop()

    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for moment in random.uniform(1e-6, 8e-4, 300):
            try:
                signal.setitimer(signal.ITIMER_REAL, moment)
                share(_beside(write), 4)
                assert not writing
                time.sleep(0.01)
            except KeyboardInterrupt:
                caught += 1
                assert not writing
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert caught == 300
    assert len(_names()) == 2


def test_a_system_without_threads_to_grant_has_one_do_all(two_threads, monkeypatch):
    def refuse(helper):
        msg = "can't start new thread"
        raise RuntimeError(msg)

    monkeypatch.setattr(kernels, "_idle", [])
    monkeypatch.setattr(kernels._Helper, "start", refuse)
    done = []
    share(_beside(lambda part, parts: done.append(part)), 3)
    assert done == [0, 1, 2]


def test_garbage_waits_for_the_compiler():
    seen = []

    class Watch(event.Listener):
        def on_start(self, event):
            seen.append(gc.isenabled())

        def on_end(self, event):
            seen.append(gc.isenabled())

    @kernel(cache=False)
    def one(x):
        return x + 1

    @kernel(cache=False)
    def two(x):
        return one(x) + one(x)

    @kernel(cache=False)
    def wrong(x):
        return x.nothing

    watch = Watch()
    event.register("numba:compile", watch)
    try:
        assert two(1) == 4
        assert gc.isenabled()
        with pytest.raises(TypingError):
            wrong(1)
    finally:
        event.unregister("numba:compile", watch)
    assert len(seen) == 6 and not any(seen[:3])  # on until the outermost compilation begins, and after it has ended
    assert gc.isenabled()
    gc.disable()
    try:
        two(1.0)
        assert not gc.isenabled()  # who has switched it off keeps it off
    finally:
        gc.enable()
