/* The handler may do little (signal-safety(7)): it writes what was prepared, and ends.
 */
#include "cli/crash.h"

#include "hdf5/inside.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
enum { SIGNALS = sizeof signals / sizeof *signals };

static void put(const char *text)
{
    const ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

static void tell(int signal)
{
    const char *const file = flo_hdf5_file_inside();
    if (!file) { /* a crash of its own: the system's way, when it happens again */
        struct sigaction usual = {.sa_handler = SIG_DFL};
        sigaction(signal, &usual, NULL);
        raise(signal);
        return;
    }
    put("flotilla: ");
    put(file);
    put(": the HDF5 library crashed while it read this file, which is damaged: copy it "
        "again, or look whether `h5dump` can read it\n");
    _exit(1);
}

void flo_cli_catch_crashes(void)
{
    struct sigaction ours = {.sa_handler = tell, .sa_flags = SA_NODEFER};
    for (int i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &ours, NULL);
}
