"""A crash inside of HDF5 ends in one message that names the file; another one does not claim
to be that. The program is sent the signal while it decodes a large file.

Called as: check_crash.py PROGRAM MPIEXEC.
"""
import os
import signal
import sys
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import main, require  # noqa: E402

TRIES = 12


def check_crash(flotilla):
    rows = np.random.default_rng(1).standard_normal((400000, 32)).astype("f4")
    flotilla.data("large.h5", {"rows": rows}, chunks=(20000, 32), compression="gzip")
    told = 0
    for tries in range(TRIES):
        process = flotilla.start("inspect", "large.h5:rows")
        time.sleep(0.6 + 0.1 * tries)
        process.send_signal(signal.SIGSEGV)
        result = flotilla.finish(process, code=None)
        words = "large.h5: the HDF5 library crashed while it read this file"
        told += result.code == 1 and words in result.err and len(result.err.splitlines()) == 1
        require(result.code in (0, 1, -signal.SIGSEGV), result)
        require((words in result.err) == (result.code == 1), result)
    require(told > 0, "no crash of", TRIES, "was told")


if __name__ == "__main__":
    main(globals())
