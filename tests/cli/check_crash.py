"""A crash inside of HDF5 ends in one message that names the file, on one rank and on three.

The file is compressed by a filter that crashes when it decodes.

Called as: check_crash.py PROGRAM MPIEXEC.
"""
import os
import subprocess
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import ERROR, main, require, same  # noqa: E402

FILTER = 300  # of the numbers for testing

# H5Z_class2_t and H5PL_TYPE_FILTER of H5Zpublic.h and H5PLextern.h.
SOURCE = """
#include <stddef.h>
#include <stdlib.h>
enum { READS = 0x100 };
static size_t filter(unsigned flags, size_t n, const unsigned values[], size_t bytes,
                     size_t *size, void **buffer)
{
    if (flags & READS)
        *(volatile int *)values[0] = 1; /* address 0 */
    return bytes;
}
static const struct {
    int version, id;
    unsigned encodes, decodes;
    const char *name;
    void *can_apply, *set_local;
    size_t (*filter)(unsigned, size_t, const unsigned *, size_t, size_t *, void **);
} table = {1, %d, 1, 1, "crash", NULL, NULL, filter};
int H5PLget_plugin_type(void) { return 0; }
const void *H5PLget_plugin_info(void) { return &table; }
"""

WRITE = """
import sys, h5py, numpy
with h5py.File(sys.argv[1], "w") as file:
    file.create_dataset("rows", data=numpy.zeros((100, 4), "f4"), chunks=(10, 4),
                        compression=%d, compression_opts=(0,))
"""


def check_crash(flotilla):
    flotilla.write("crash.c", SOURCE % FILTER)
    flotilla.environment["HDF5_PLUGIN_PATH"] = flotilla.folder
    subprocess.run(["cc", "-w", "-shared", "-fPIC", "crash.c", "-o", "libcrash.so"],
                   cwd=flotilla.folder, check=True)
    subprocess.run([sys.executable, "-c", WRITE % FILTER, flotilla.path("bad.h5")],
                   env=flotilla.environment, check=True)
    words = "bad.h5: the HDF5 library crashed while it read this file"
    alone = flotilla.run("inspect", "bad.h5", code=ERROR)
    require(words in alone.err and len(alone.err.splitlines()) == 1, alone)
    ranks = flotilla.run("inspect", "bad.h5", ranks=3, code=None)
    require(words in ranks.err and ranks.code not in (None, 0), ranks)
    flotilla.data("good.h5", {"rows": np.ones((100, 4))})
    same(flotilla.run("inspect", "good.h5").err, "")


if __name__ == "__main__":
    main(globals())
