/* flotilla: normalizing flows trained on many ranks. The one header that users include.

   The library `flotilla` loads models, scores rows and draws samples; it needs no MPI.
 */
#ifndef FLOTILLA_FLOTILLA_H
#define FLOTILLA_FLOTILLA_H

#include "flotilla/context.h"
#include "flotilla/model.h"
#include "flotilla/real.h"
#include "flotilla/status.h"

#endif
