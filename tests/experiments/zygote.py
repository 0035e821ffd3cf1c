"""Scripts as processes of their own that need not import the libraries again.

This process imports them once and forks for every script asked for. Its child has its own environment, folder,
arguments, output and exit code, and can be killed, as if the script had been started afresh.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys

# Tests that were begun in the background inherit that SIGINT is ignored; scripts must heed it all the same.
signal.signal(signal.SIGINT, signal.default_int_handler)


def preload() -> None:
    """Everything that scripts import, without a device at work: threads do not survive a fork."""
    import jax.experimental.compilation_cache.compilation_cache  # noqa: F401
    import pandas  # noqa: F401

    import tl_jax

    for module in pkgutil.walk_packages(tl_jax.__path__, "tl_jax."):
        if not module.name.startswith("tl_jax.app."):  # it starts its own processes, and needs an extra
            importlib.import_module(module.name)


def serve(asked: socket.socket) -> dict | None:
    """Fork for each request until the asking end closes; the request in a child, None in the parent."""
    wake, waker = socket.socketpair()
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    told = {}
    while True:
        ready, _, _ = select.select([asked, wake], [], [])
        if wake in ready:
            wake.recv(4096)
            reap(told)
        if asked in ready:
            request, (out, err, status) = receive(asked)
            if request is None:
                return None
            pid = os.fork()
            if not pid:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for other in (asked, wake, waker):
                    other.close()
                os.close(status)
                for end in told.values():
                    os.close(end)
                return {**request, "out": out, "err": err}
            os.close(out)
            os.close(err)
            told[pid] = status
            os.write(status, f"{pid}\n".encode())


def receive(asked: socket.socket):
    """(request, its three file descriptors); (None, ...) at the end."""
    body, fds, _, _ = socket.recv_fds(asked, 1 << 20, 3)
    return (json.loads(body), fds) if body else (None, (None,) * 3)


def reap(told: dict[int, int]) -> None:
    """Pass on how each ended child ended and how many seconds it computed."""
    while told:
        pid, status, usage = os.wait4(-1, os.WNOHANG)
        if not pid:
            return
        end = told.pop(pid)
        seconds = usage.ru_utime + usage.ru_stime
        os.write(end, f"{os.waitstatus_to_exitcode(status)} {seconds}\n".encode())
        os.close(end)


def become(request: dict) -> None:
    """This process as the script that the request names."""
    os.dup2(request.pop("out"), 1)
    os.dup2(request.pop("err"), 2)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    if "JAX_NUM_CPU_DEVICES" in os.environ:  # jax has read the environment already
        import jax

        jax.config.update("jax_num_cpu_devices", int(os.environ["JAX_NUM_CPU_DEVICES"]))
    if "TLJAX_TESTS_NO_PICTURES" in os.environ:
        sys.modules["matplotlib"] = None  # as where it is not installed
    sys.argv = ["", *request["arguments"]]
    sys.path[0] = request["folder"]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    preload()
    gc.collect()
    gc.freeze()  # a child's collector leaves what it shares with this process alone
    found = serve(socket.socket(fileno=int(sys.argv[1])))
    if found:
        become(found)
