/* What a rank's memory goes into, as an estimate before it is taken. */
#ifndef FLO_TRAIN_MEMORY_H
#define FLO_TRAIN_MEMORY_H

#include "train/trainer.h"

/* Bytes of the program, of rows, vectors of the size of theta, and activations, of the
   rank with the most lanes; of what the ranks of its host have together, a rank's
   share. Local. */
double flo_memory_bytes(const flo_trainer *trainer);

#endif
