/* The numbers of a base density: learned, and moved by a network of the context. */
#include "densities/conditional.h"

#include "linalg/transpose.h"

#include <string.h>

/* Cache with context: numbers [B, N], the network's. Scratch: the kind's work
   [sets, work], derivatives by the numbers [B, N], the numbers or these transposed, the
   input and its derivatives transposed [C, B], the network's. */
static flo_status add_network(flo_conditional *s, flo_arena *arena,
                              const flo_conditional_settings *settings,
                              flo_density *density)
{
    flo_layout layout;
    flo_layout_start(&layout, arena);
    s->network = (flo_network){.kind = &flo_network_mlp,
                               .inputs = s->context,
                               .outputs = s->numbers,
                               .activation = flo_activation_at(settings->activation)};
    const flo_network_settings network = {.hidden = settings->hidden};
    FLO_TRY(flo_network_configure_kind(&s->network, arena, &network, &layout));
    density->cache = s->numbers + s->network.cache;
    density->scratch = s->work + 2 * (s->numbers + s->context) + s->network.scratch;
    return flo_layout_append(&density->parameters, "context", &layout,
                             &s->network_offset);
}

flo_status flo_conditional_configure(flo_conditional *s, flo_arena *arena,
                                     const flo_node *node,
                                     const flo_conditional_settings *settings,
                                     int64_t work, flo_density *density)
{
    *s = (flo_conditional){
        .numbers = density->parameters.size, .context = density->context, .work = work};
    if (s->context)
        return add_network(s, arena, settings, density);
    if (settings->hidden.count)
        return flo_settings_fail(arena, flo_node_find(node, "hidden"),
                                 "hidden: [], as there are no context columns "
                                 "(data.context) for a network to read");
    density->scratch_fixed = work;
    return FLO_OK;
}

void flo_conditional_init(const flo_conditional *s, flo_random_key key, flo_real *theta)
{
    if (s->context)
        s->network.kind->init(&s->network, key, theta + s->network_offset);
}

static flo_real *gradient_of(const flo_conditional *s, const flo_pass *pass)
{
    return pass->scratch + pass->rows * s->work;
}

/* What the network reads and writes. */
typedef struct transposed {
    flo_real *numbers;        /* [N, B] or their derivatives */
    flo_real *input, *dinput; /* [C, B] */
} transposed;

static transposed transposed_of(const flo_conditional *s, const flo_pass *pass)
{
    const int64_t B = pass->rows;
    transposed t = {.numbers = gradient_of(s, pass) + B * s->numbers};
    t.input = t.numbers + B * s->numbers;
    t.dinput = t.input + B * s->context;
    return t;
}

static flo_pass network_pass(const flo_conditional *s, const flo_pass *pass)
{
    flo_pass network = *pass;
    network.cache += pass->rows * s->numbers;
    network.scratch += pass->rows * (s->work + 2 * (s->numbers + s->context));
    return network;
}

flo_numbers flo_conditional_kept(const flo_conditional *s, const flo_real *theta,
                                 const flo_pass *pass)
{
    if (!s->context)
        return (flo_numbers){.value = theta, .sets = 1, .work = pass->scratch};
    return (flo_numbers){
        .value = pass->cache, .sets = pass->rows, .each = 1, .work = pass->scratch};
}

flo_numbers flo_conditional_forward(const flo_conditional *s, const flo_real *theta,
                                    const flo_pass *pass)
{
    if (s->context) {
        const int64_t B = pass->rows, N = s->numbers;
        const flo_pass network = network_pass(s, pass);
        const transposed t = transposed_of(s, pass);
        flo_transpose(B, s->context, pass->context, s->context, t.input, B);
        flo_network_forward(&s->network, theta + s->network_offset, &network, t.input,
                            t.numbers);
        for (int64_t i = 0; i < B; i++)
            for (int64_t k = 0; k < N; k++)
                pass->cache[i * N + k] = t.numbers[k * B + i] + theta[k];
    }
    return flo_conditional_kept(s, theta, pass);
}

flo_real *flo_conditional_cache(const flo_conditional *s, const flo_pass *pass)
{
    return s->context ? pass->cache + pass->rows * (s->numbers + s->network.cache)
                      : pass->cache;
}

flo_real *flo_conditional_gradient(const flo_conditional *s, const flo_pass *pass,
                                   flo_real *dtheta)
{
    if (!s->context)
        return dtheta;
    flo_real *const gradient = gradient_of(s, pass);
    memset(gradient, 0, (size_t)(pass->rows * s->numbers) * sizeof *gradient);
    return gradient;
}

void flo_conditional_backward(const flo_conditional *s, const flo_real *theta,
                              const flo_pass *pass, flo_real *dcontext,
                              flo_real *dtheta)
{
    if (!s->context)
        return;
    const int64_t B = pass->rows, N = s->numbers, C = s->context;
    const flo_real *const gradient = gradient_of(s, pass);
    const transposed t = transposed_of(s, pass);
    for (int64_t i = 0; i < B; i++)
        for (int64_t k = 0; k < N; k++)
            dtheta[k] += gradient[i * N + k];
    const flo_pass network = network_pass(s, pass);
    flo_transpose(B, N, gradient, N, t.numbers, B);
    flo_transpose(B, C, pass->context, C, t.input, B);
    flo_network_backward(&s->network, theta + s->network_offset, &network, t.input,
                         t.numbers, t.dinput, NULL, dtheta + s->network_offset);
    for (int64_t i = 0; i < B; i++)
        for (int64_t c = 0; c < C; c++)
            dcontext[i * C + c] += t.dinput[c * B + i];
}
