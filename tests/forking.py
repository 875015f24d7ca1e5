"""Forked processes that may use torch in several threads."""

import multiprocessing

import torch


def forked(function, *args):
    """A process, not started yet, that will call ``function(*args)`` with all that this process has in memory.

    A forked process makes PyTorch's pool of threads anew where it first asks for it. Two threads that ask at once can
    find none ("Invalid thread pool!"), so the process asks before it starts any.
    """

    def call():
        torch.set_num_threads(torch.get_num_threads())
        function(*args)

    return multiprocessing.get_context("fork").Process(target=call)
