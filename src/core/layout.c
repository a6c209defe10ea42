/* Named tensors laid end to end in one vector. */
#include "core/layout.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void flo_layout_start(flo_layout *layout, flo_arena *arena)
{
    *layout = (flo_layout){.arena = arena};
}

static flo_status grow(flo_layout *layout)
{
    const int64_t capacity = layout->capacity ? 2 * layout->capacity : 8;
    flo_tensor *tensors;
    FLO_TRY(flo_arena_take(layout->arena, capacity, sizeof *tensors, &tensors));
    if (layout->count)
        memcpy(tensors, layout->tensors, (size_t)layout->count * sizeof *tensors);
    layout->tensors = tensors;
    layout->capacity = capacity;
    return FLO_OK;
}

flo_status flo_layout_add(flo_layout *layout, int64_t rows, int64_t columns, bool decay,
                          int64_t *offset, const char *name, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, name);
    vsnprintf(text, sizeof text, name, arguments);
    va_end(arguments);
    if (layout->count == layout->capacity)
        FLO_TRY(grow(layout));
    char *copy;
    FLO_TRY(flo_arena_string(layout->arena, text, &copy));
    const int64_t count = columns ? rows * columns : rows;
    layout->tensors[layout->count++] = (flo_tensor){.name = copy,
                                                    .rank = columns ? 2 : 1,
                                                    .shape = {rows, columns},
                                                    .offset = layout->size,
                                                    .count = count,
                                                    .decay = decay};
    *offset = layout->size;
    layout->size += count;
    return FLO_OK;
}

void flo_layout_set_ragged(flo_layout *layout, const flo_ragged *ragged)
{
    layout->tensors[layout->count - 1].ragged = ragged;
}

flo_status flo_layout_append(flo_layout *layout, const char *prefix,
                             const flo_layout *part, int64_t *offset)
{
    *offset = layout->size;
    for (int64_t i = 0; i < part->count; i++) {
        const flo_tensor *const tensor = &part->tensors[i];
        int64_t ignored;
        FLO_TRY(flo_layout_add(layout, tensor->shape[0], tensor->shape[1],
                               tensor->decay, &ignored, "%s/%s", prefix, tensor->name));
        flo_layout_set_ragged(layout, tensor->ragged);
    }
    return FLO_OK;
}
