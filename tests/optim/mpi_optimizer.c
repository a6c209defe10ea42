/* An optimizer that the ranks of a host share: the bits of one that every rank has. */
#include "comm/hosts.h"
#include "optim/optimizer.h"

#include "comm/world.h"
#include "core/arena.h"
#include "linalg/numbers.h"

enum { KINDS = 3, STEPS = 4 };
enum { WEIGHTS = 150 * 301, BIASES = 301, P = WEIGHTS + BIASES };

/* Parameters under a gradient that changes with the step. */
typedef struct problem {
    flo_arena *arena;
    flo_shared_memory *shared;
    flo_optimizer *optimizer;
    flo_real *theta;
    double norm[STEPS];
} problem;

static flo_real *draw(flo_arena *arena, uint64_t stream)
{
    flo_real *memory;
    assert_int_equal(flo_arena_take(arena, P, sizeof *memory, &memory), FLO_OK);
    draw_normals(stream, 1, P, memory);
    return memory;
}

/* With vectors of its own, or shared on hosts of at most so many ranks. */
static problem make(world *w, int kind, double average, bool share, int most)
{
    const flo_optimizer_settings settings = {.optimizer = kind,
                                             .beta1 = 0.9,
                                             .beta2 = 0.99,
                                             .epsilon = 1e-3,
                                             .weight_decay = 0.1,
                                             .momentum = 0.8,
                                             .clip = 20,
                                             .average = average};
    flo_layout layout;
    int64_t ignored;
    problem p = {.arena = NULL};
    assert_int_equal(flo_arena_create(w->context, &p.arena), FLO_OK);
    p.theta = draw(p.arena, 1);
    flo_layout_start(&layout, p.arena);
    assert_int_equal(flo_layout_add(&layout, 150, 301, true, &ignored, "w"), FLO_OK);
    assert_int_equal(flo_layout_add(&layout, BIASES, 0, false, &ignored, "b"), FLO_OK);
    assert_int_equal(flo_optimizer_create(p.arena, &settings, &layout, &p.optimizer),
                     FLO_OK);
    assert_int_equal(flo_hosts_find(w->comm, w->context, most), FLO_OK);
    assert_int_equal(
        share ? flo_optimizer_share(p.optimizer, w->comm, w->context, &p.shared)
              : flo_optimizer_take(p.arena, p.optimizer),
        FLO_OK);
    flo_optimizer_start(p.optimizer, p.theta);
    return p;
}

static void take_steps(world *w, problem *p)
{
    for (int step = 0; step < STEPS; step++) {
        const flo_step_numbers numbers = {step + 1, 0.05, 0.25};
        flo_real *const gradient = draw(p->arena, 2 + (uint64_t)step);
        p->norm[step] = flo_optimizer_norm(p->optimizer, gradient, 0.25, 1);
        flo_optimizer_step(p->optimizer, numbers, p->norm[step], gradient, p->theta, 1);
        /* As in training, where the next gradient holds it: nobody looks at what ranks
           share while another is a step ahead. */
        flo_comm_barrier(w->comm);
    }
}

static void destroy(problem *p)
{
    flo_shared_memory_destroy(&p->shared);
    flo_arena_destroy(&p->arena);
}

static void check_same(const problem *found, const problem *wanted)
{
    enum { BYTES = P * sizeof(flo_real) };
    const flo_optimizer *const f = found->optimizer, *const o = wanted->optimizer;
    assert_memory_equal(found->norm, wanted->norm, sizeof wanted->norm);
    assert_memory_equal(found->theta, wanted->theta, BYTES);
    for (int i = 0; i < o->kind->moments; i++)
        assert_memory_equal(f->moment[i], o->moment[i], BYTES);
    if (o->average)
        assert_memory_equal(f->average, o->average, BYTES);
}

static void shared_ones_give_the_same_bits(void **state)
{
    world *const w = *state;
    for (int kind = 0; kind < KINDS; kind++)
        for (int most = 0; most < 4; most++) {
            const double average = most % 2 ? 0.9 : 0;
            problem wanted = make(w, kind, average, false, most);
            problem found = make(w, kind, average, true, most);
            take_steps(w, &wanted);
            take_steps(w, &found);
            check_same(&found, &wanted);
            flo_comm_barrier(w->comm);
            destroy(&found);
            destroy(&wanted);
        }
}

/* Each rank updates its part alone: what is wrong in another's is of no matter. */
static void each_rank_updates_its_part(void **state)
{
    world *const w = *state;
    problem p = make(w, 0, 0.9, true, 0);
    int64_t own = 0;
    for (int64_t i = p.optimizer->first; i < p.optimizer->last; i++)
        own += p.optimizer->piece[i].end - p.optimizer->piece[i].begin;
    int64_t sums[] = {own, flo_optimizer_reads(p.optimizer)};
    flo_comm_sum_integers(w->comm, sums, 2);
    assert_int_equal(sums[0], P);
    assert_int_equal(sums[1], 1); /* of one host */
    if (flo_comm_size(w->comm) == 2)
        assert_in_range(own, P / 4, 3 * P / 4); /* of four pieces */
    destroy(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_ones_give_the_same_bits),
        cmocka_unit_test(each_rank_updates_its_part),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
