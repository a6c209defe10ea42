/* The table of verbs. */
#include "cli/verbs.h"

const flo_verb flo_verbs[] = {
    {"init", "prints a good config for a data file", flo_verb_init},
    {"train", "trains a flow as a config says, or resumes", flo_verb_train},
    {"evaluate", "log-likelihood of rows under a model", flo_verb_evaluate},
    {"logprob", "log-density of every row, into a file", flo_verb_logprob},
    {"sample", "draws rows from a model, into a file", flo_verb_sample},
    {"rows", "rows of the data as a flow gets them, into a file", flo_verb_rows},
    {"inspect", "tells what a data file, config, checkpoint or run holds",
     flo_verb_inspect},
    {"bench", "rows a second, against the machine's own matrix products",
     flo_verb_bench},
    {"config", "prints all settings with defaults and help", flo_verb_config},
    {"doctor", "says what is wrong with this environment, and the cure",
     flo_verb_doctor},
    {NULL, NULL, NULL},
};
