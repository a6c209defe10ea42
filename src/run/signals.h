/* Requests to stop: SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 set a flag and nothing else.
 */
#ifndef FLO_RUN_SIGNALS_H
#define FLO_RUN_SIGNALS_H

/* Installs the handlers. A second SIGINT ends the process at once. SIGXFSZ is ignored,
   so that a file that reaches `ulimit -f` is an error with a message. Interrupted
   system calls are restarted. Local. */
void flo_signals_install(void);

/* The first signal that asked this process to stop; 0 if none did. Local. */
int flo_signals_pending(void);

/* Forgets all requests (tests). Local. */
void flo_signals_clear(void);

#endif
