/* Signals that ask for a stop: the handler sets a flag, the training loop looks at it.
 */
#include "run/signals.h"

#include <signal.h>
#include <stddef.h>

/* The one exception to "no globals": a handler gets nothing but a number, and C lets it
   write nothing but objects of this type. */
static volatile sig_atomic_t pending;
static volatile sig_atomic_t interrupted; /* SIGINT came once */

/* Who presses Ctrl-C a second time does not want to wait for a checkpoint: the default
   action ends the process once this handler returns and the signal is let through. */
static void take(int number)
{
    if (number == SIGINT && interrupted) {
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
    }
    if (number == SIGINT)
        interrupted = 1;
    if (!pending)
        pending = number;
}

void flo_signals_install(void)
{
    static const int stops[] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
    struct sigaction action = {.sa_handler = take, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++)
        sigaction(stops[i], &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGXFSZ, &action, NULL);
}

int flo_signals_pending(void)
{
    return (int)pending;
}

void flo_signals_clear(void)
{
    pending = 0;
    interrupted = 0;
}
