"""Signals that a training keeps until its state is whole."""

from __future__ import annotations

import os
import signal

from train_offline.runtime.signals import Interrupt


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    hang_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
    try:
        with Interrupt() as interrupt:
            os.kill(os.getpid(), signal.SIGINT)
            assert interrupt.signal is None
            os.kill(os.getpid(), signal.SIGHUP)
            assert interrupt.signal == signal.SIGHUP
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGHUP, hang_up)
