/* The verbs of the command line: one file each. */
#ifndef FLO_CLI_VERBS_H
#define FLO_CLI_VERBS_H

#include "cli/cli.h"

flo_status flo_verb_bench(const flo_call *call, int *exit_code);
flo_status flo_verb_config(const flo_call *call, int *exit_code);
flo_status flo_verb_doctor(const flo_call *call, int *exit_code);
flo_status flo_verb_evaluate(const flo_call *call, int *exit_code);
flo_status flo_verb_init(const flo_call *call, int *exit_code);
flo_status flo_verb_inspect(const flo_call *call, int *exit_code);
flo_status flo_verb_logprob(const flo_call *call, int *exit_code);
flo_status flo_verb_rows(const flo_call *call, int *exit_code);
flo_status flo_verb_sample(const flo_call *call, int *exit_code);
flo_status flo_verb_train(const flo_call *call, int *exit_code);

#endif
