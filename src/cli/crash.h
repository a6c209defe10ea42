/* Crashes inside the HDF5 library, told as what they are: damaged files. */
#ifndef FLO_CLI_CRASH_H
#define FLO_CLI_CRASH_H

/* From now on a crash (SIGSEGV, SIGBUS, SIGFPE, SIGABRT) of a thread that reads a file
   with HDF5 prints one message that names the file and ends the process with exit code
   1; any other crash is left to the system. HDF5 1.10 reads beyond its memory on some
   damaged files. Local. */
void flo_cli_catch_crashes(void);

#endif
