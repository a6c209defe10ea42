"""The arrows between the folders of src/ point one way, and a file says what it is for.

Called as: check_layers.py PROGRAM MPIEXEC (neither is used). Reads every #include:
  - a folder includes itself and the folders before it in ORDER, none after;
  - the folders of the library `flotilla` never include those of `flotilla_train`;
  - include/flotilla includes include/flotilla and the C library only;
  - <mpi.h> only in src/comm, <hdf5.h> only in src/hdf5, <cblas.h> only in src/linalg;
  - MPI, HDF5 and BLAS calls stand in those folders too, and MPI's start in no other;
  - the folders of the library neither print nor exit: they return a status;
  - a .c includes its own header first;
  - every .c and .h begins with a comment.
Then it plants each kind of fault in a temporary tree: a check that sees none is broken.
"""
import os
import re
import sys
import tempfile

ORDER = ("core config hdf5 comm schema data linalg nn bijections densities flow objective "
         "optim run train cli").split()
LIBRARY = set("core config hdf5 schema linalg nn bijections densities flow".split())
GENERATED = {"core/version.h"}
# What belongs to one folder: header, and the calls that come with it.
OWNED = {
    "comm": (r"mpi\.h", r"\bMPI_[A-Z][a-z]\w*\s*\("),
    "hdf5": (r"(?:hdf5|hdf5_hl|H5\w+)\.h", r"\bH5[A-Z]{1,2}[a-z]\w*\s*\("),
    "linalg": (r"(?:cblas|openblas_config|lapacke)\.h", r"\b(?:cblas_|openblas_)\w+\s*\("),
}
SILENT = r"\b(?:printf|puts|putchar|exit|_exit|abort|perror)\s*\("
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def source_files(root):
    for top in ("src", "include"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def without_comments(text):
    """The text with comments and strings blanked, line for line."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())  # noqa: E731
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'
    return re.sub(pattern, blank, text, flags=re.DOTALL)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def include_fault(root, path, folder, kind, name):
    """What is wrong with one #include; None if nothing is."""
    for owner, (header, _) in OWNED.items():
        if re.fullmatch(f"(?:.*/)?{header}", name) and folder != owner and kind == "<":
            return f"includes <{name}>: only src/{owner} may"
    if kind == "<":
        return None
    if folder == "include" and not name.startswith("flotilla/"):
        return f'includes "{name}": a public header may include public headers only'
    if name.startswith("flotilla/"):
        known = os.path.join(root, "include", name)
        return None if os.path.exists(known) else f'includes "{name}": no such header'
    target = name.split("/")[0] if "/" in name else None
    if target not in ORDER:
        return f'includes "{name}": wanted "FOLDER/NAME.h", FOLDER one of src/'
    if name not in GENERATED and not os.path.exists(os.path.join(root, "src", name)):
        return f'includes "{name}": no such header'
    if folder in LIBRARY and target not in LIBRARY:
        return f'includes "{name}": src/{folder} is of the library, src/{target} is not'
    if ORDER.index(target) > ORDER.index(folder):
        return f'includes "{name}": src/{target} stands after src/{folder}'
    return None


def own_header_fault(root, path, includes):
    header = path[len("src/"):-1] + "h"
    if not path.endswith(".c") or not os.path.exists(os.path.join(root, "src", header)):
        return None
    # Or a private header beside it, that begins with its name: arena_parts.h.
    if not includes or not re.fullmatch(rf"{header[:-2]}(_\w+)?\.h", includes[0][1]):
        found = f'"{includes[0][1]}"' if includes else "none"
        return f'includes {found} first, wanted its own "{header}"'
    return None


def call_faults(folder, code):
    """(position, fault) of each call that stands in the wrong folder."""
    for owner, (_, call) in OWNED.items():
        for match in re.finditer(call, code) if folder != owner else ():
            yield match.start(), f"calls {match.group()}..): only src/{owner} may"
    for match in re.finditer(SILENT, code) if folder in LIBRARY else ():
        yield match.start(), (f"calls {match.group()}..): the library returns a status and "
                              "leaves printing and exiting to the program")


def file_faults(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    folder = path.split(os.sep)[1] if path.startswith("src") else "include"
    if folder not in ORDER and folder != "include":
        yield 1, f"folder src/{folder} is not in the list of folders"
        return
    if not re.match(r"(?:/\*\s*\w|//\s*\w)", text):
        yield 1, "does not begin with a comment that says what it is for"
    includes = INCLUDE.findall(text)
    for match in INCLUDE.finditer(text):
        fault = include_fault(root, path, folder, *match.groups())
        if fault:
            yield line_of(text, match.start()), fault
    fault = own_header_fault(root, path, [i for i in includes if i[0] == '"'])
    if fault:
        yield 1, fault
    code = without_comments(text)
    for position, fault in call_faults(folder, code):
        yield line_of(code, position), fault


def faults(root):
    return [f"{path}:{line}: {fault}" for path in source_files(root)
            for line, fault in file_faults(root, path)]


GOOD = {
    "include/flotilla/status.h": "/* Statuses. */\n",
    "src/core/arena.h": '/* Memory. */\n#include "flotilla/status.h"\n',
    "src/core/arena.c": '/* Memory: blocks. */\n#include "core/arena.h"\n#include <stdio.h>\n'
                        '/* printf( is only spoken of */ const char *s = "exit(1)";\n',
    "src/comm/comm.c": "/* Ranks. */\n#include <mpi.h>\nint f(void) { return MPI_Init(0, 0); }\n",
    "src/hdf5/image.c": "/* Images. */\n#include <hdf5.h>\n",
    "src/cli/main.c": '/* The program. */\n#include "core/arena.h"\n#include "core/version.h"\n'
                      'int main(void) { printf("x"); }\n',
}
# One planted fault each: file, text, and what the message must say.
PLANTED = [
    ("src/core/bad.c", '/* Bad. */\n#include "cli/x.h"\n', "no such header"),
    ("src/core/bad.c", '/* Bad. */\n#include "nn/dense.h"\n', "stands after"),
    ("src/flow/bad.c", '/* Bad. */\n#include "comm/comm.h"\n', "is of the library"),
    ("src/train/bad.c", "/* Bad. */\n#include <mpi.h>\n", "only src/comm"),
    ("src/data/bad.c", "/* Bad. */\n#include <hdf5.h>\n", "only src/hdf5"),
    ("src/nn/bad.c", "/* Bad. */\n#include <cblas.h>\n", "only src/linalg"),
    ("src/run/bad.c", "/* Bad. */\nvoid f(void) { MPI_Barrier(c); }\n", "only src/comm"),
    ("src/run/bad.c", "/* Bad. */\nvoid f(void) { H5Fclose(1); }\n", "only src/hdf5"),
    ("src/nn/bad.c", "/* Bad. */\nvoid f(void) { cblas_sgemm(1); }\n", "only src/linalg"),
    ("src/core/bad.c", "/* Bad. */\nvoid f(void) { printf(x); }\n", "returns a status"),
    ("src/config/bad.c", "/* Bad. */\nvoid f(void) { exit(1); }\n", "returns a status"),
    ("src/core/bad.c", '#include "core/arena.h"\n', "begin with a comment"),
    ("src/core/arena.c", '/* Memory. */\n#include "flotilla/status.h"\n', "own"),
    ("src/other/bad.c", "/* Bad. */\n", "list of folders"),
    ("src/core/bad.c", '/* Bad. */\n#include "arena.h"\n', "FOLDER/NAME.h"),
    ("include/flotilla/bad.h", '/* Bad. */\n#include "core/arena.h"\n', "public header"),
    ("include/flotilla/bad.h", "/* Bad. */\n#include <mpi.h>\n", "only src/comm"),
]


def plant(root, files):
    for path, text in files.items():
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def self_test():
    """Whether the sound tree passes, and each planted fault is seen, alone."""
    wrong = []
    for path, text, expected in [("src/cli/main.c", GOOD["src/cli/main.c"], None), *PLANTED]:
        with tempfile.TemporaryDirectory() as root:
            plant(root, GOOD)
            plant(root, {"src/nn/dense.h": "/* Dense. */\n", "src/comm/comm.h": "/* C. */\n"})
            plant(root, {path: text})
            if path != "src/comm/comm.c":  # its own header now exists
                plant(root, {"src/comm/comm.c": '/* Ranks. */\n#include "comm/comm.h"\n'
                                                "#include <mpi.h>\n"})
            found = faults(root)
            good = not found if expected is None else (
                len(found) == 1 and expected in found[0] and found[0].startswith(path))
            if not good:
                wrong.append(f"self-test: {text!r} in {path}: found {found}, wanted "
                             f"{'nothing' if expected is None else repr(expected)}")
    return wrong


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    wrong = self_test() + faults(root)
    if not any(source_files(root)):
        wrong.append(f"{root}: no source files found")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
