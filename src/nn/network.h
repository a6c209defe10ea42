/* Conditioner networks: what a coupling computes from the columns that it leaves alone.

   A kind is one file and one row of the table in network.c. */
#ifndef FLO_NN_NETWORK_H
#define FLO_NN_NETWORK_H

#include "config/settings.h"
#include "core/layout.h"
#include "core/pass.h"
#include "core/random.h"
#include "nn/activation.h"
#include "nn/degrees.h"
#include "nn/inputs.h"

/* The settings that every bijection with a conditioner takes. */
typedef struct flo_network_settings {
    flo_integers hidden; /* plain MLP: hidden widths */
    int64_t width;       /* residual MLP: width; 0 when `hidden` is used */
    int64_t blocks;
    int activation;
    double dropout;
} flo_network_settings;

#define FLO_NETWORK_ROWS(OWNER, MEMBER) FLO_NETWORK_ROWS_OF_WIDTH(OWNER, MEMBER, "0")

/* The same with a default of `width`. */
#define FLO_NETWORK_ROWS_OF_WIDTH(OWNER, MEMBER, WIDTH)                                \
    {.name = "hidden",                                                                 \
     .type = FLO_INTEGERS,                                                             \
     .offset = offsetof(OWNER, MEMBER.hidden),                                         \
     .low = 1,                                                                         \
     .high = 1 << 20,                                                                  \
     .fallback = "[]",                                                                 \
     .help = "hidden widths of a plain MLP; this or width"},                           \
        {.name = "width",                                                              \
         .type = FLO_INTEGER,                                                          \
         .offset = offsetof(OWNER, MEMBER.width),                                      \
         .low = 0,                                                                     \
         .high = 1 << 20,                                                              \
         .fallback = WIDTH,                                                            \
         .help = "width of a residual MLP; this or hidden"},                           \
        {.name = "blocks",                                                             \
         .type = FLO_INTEGER,                                                          \
         .offset = offsetof(OWNER, MEMBER.blocks),                                     \
         .low = 0,                                                                     \
         .high = 1000,                                                                 \
         .fallback = "2",                                                              \
         .help = "residual blocks of the residual MLP"},                               \
        {.name = "activation",                                                         \
         .type = FLO_CHOICE,                                                           \
         .offset = offsetof(OWNER, MEMBER.activation),                                 \
         .fallback = "relu",                                                           \
         .choices = FLO_ACTIVATION_CHOICES,                                            \
         .help = "activation function"},                                               \
    {                                                                                  \
        .name = "dropout", .type = FLO_NUMBER,                                         \
        .offset = offsetof(OWNER, MEMBER.dropout), .low = 0, .high = 0.95,             \
        .fallback = "0", .help = "share of hidden units dropped in training"           \
    }

struct flo_network_kind;

/* A network that maps [inputs, B] and the pass's context [B, C] to [outputs, B], the
   batch running fastest: so the rows of a batch fill the vectors of every product and
   every loop, however narrow a layer is. With degrees, the masked one of masked.h. */
typedef struct flo_network {
    const struct flo_network_kind *kind;
    int64_t inputs, context, outputs;
    const flo_activation *activation;
    double dropout;
    const flo_degrees *degrees;    /* NULL: every output sees all inputs */
    int64_t cache, scratch, noise; /* reals a row */
    int64_t output_bias;           /* offset of the last bias [outputs] */
    void *state;                   /* of the kind, in the arena */
} flo_network;

/* What the steps of a solve share (masked.h). */
typedef struct flo_solve {
    const flo_pass *pass;
    flo_real *x;   /* [inputs, B] */
    flo_real *out; /* [outputs, B] */
} flo_solve;

/* A kind's passes have the context transposed, [C, B] (flo_network_pass). */
typedef struct flo_network_kind {
    const char *name;
    /* Adds the tensors and sets cache, scratch, noise, state. */
    flo_status (*configure)(flo_network *network, flo_arena *arena,
                            const flo_network_settings *settings, flo_layout *layout);
    /* The last map starts at zero, so that a flow starts as the identity. */
    void (*init)(const flo_network *network, flo_random_key key, flo_real *theta);
    /* y [outputs, B]. */
    void (*forward)(const flo_network *network, const flo_real *theta,
                    const flo_pass *pass, const flo_real *input, flo_real *y);
    /* input is that of forward; dinput [inputs, B] is overwritten; adds to dcontext
       [C, B] and, but for the weights of fresh passes, dtheta. dy may be changed. */
    void (*backward)(const flo_network *network, const flo_real *theta,
                     const flo_pass *pass, const flo_real *input, flo_real *dy,
                     flo_real *dinput, flo_real *dcontext, flo_real *dtheta);
    /* Networks with degrees: what the units of a block of degrees get from earlier
       blocks and the context; then, degree by degree, the units and outputs of one. */
    void (*solve_block)(const flo_network *network, const flo_real *theta,
                        const flo_solve *solve, int64_t block);
    void (*solve_degree)(const flo_network *network, const flo_real *theta,
                         const flo_solve *solve, int64_t degree);
} flo_network_kind;

extern const flo_network_kind flo_network_mlp;      /* hidden: [..] */
extern const flo_network_kind flo_network_residual; /* width, blocks */

/* Chooses the kind by the settings and configures it; node is for messages. Local.
   FLO_ERROR_CONFIG (neither or both of hidden and width), FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_network_configure(flo_network *network, flo_arena *arena,
                                              const flo_node *node,
                                              const flo_network_settings *settings,
                                              int64_t inputs, int64_t context,
                                              int64_t outputs, flo_layout *layout);

/* The same with degrees, which are chosen by the widest hidden layer and kept in the
   arena: outputs / columns outputs for every column. */
FLO_MUST_USE flo_status flo_network_configure_masked(
    flo_network *network, flo_arena *arena, const flo_node *node,
    const flo_network_settings *settings, const flo_inputs *inputs, int64_t context,
    int64_t outputs, flo_layout *layout);

/* The same for a network whose kind, sizes and activation are set already. Local.
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_network_configure_kind(flo_network *network,
                                                   flo_arena *arena,
                                                   const flo_network_settings *settings,
                                                   flo_layout *layout);

/* y [outputs, B] from input [inputs, B] and the pass's context. Pure. Local. */
void flo_network_forward(const flo_network *network, const flo_real *theta,
                         const flo_pass *pass, const flo_real *input, flo_real *y);

/* From dy [outputs, B], which may be changed, and the input of forward: dinput [inputs,
   B] is overwritten; adds to dcontext [B, C] and dtheta. Pure. Local. */
void flo_network_backward(const flo_network *network, const flo_real *theta,
                          const flo_pass *pass, const flo_real *input, flo_real *dy,
                          flo_real *dinput, flo_real *dcontext, flo_real *dtheta);

/* The pass for the kind's own functions: context transposed, in scratch. */
flo_pass flo_network_pass(const flo_network *network, const flo_pass *pass);

/* Dropout with the pass's noise u [n]: y = u < rate ? 0 : x / (1 - rate); in place
   allowed. The same call maps dy to dx. Pure. Local. */
void flo_dropout(double rate, int64_t n, const flo_real *u, const flo_real *x,
                 flo_real *y);

#endif
