/* Decoding of Marc Lehmann's LZF: runs of plain bytes, and copies of bytes that came
   before; with h5py's parameters: versions of filter and library, bytes of a chunk. */
#include "hdf5/lzf.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FILTER = 32000 };

/* Bytes that are read, and room for those that come out. */
typedef struct stream {
    const unsigned char *in, *in_end;
    unsigned char *begin, *out, *out_end;
} stream;

static bool copy_run(stream *s, ptrdiff_t length)
{
    if (s->in_end - s->in < length || s->out_end - s->out < length)
        return false;
    memcpy(s->out, s->in, (size_t)length);
    s->in += length;
    s->out += length;
    return true;
}

/* A copy may overlap what it makes: byte by byte. */
static bool copy_back(stream *s, unsigned control)
{
    ptrdiff_t length = control >> 5;
    if (length == 7) {
        if (s->in == s->in_end)
            return false;
        length += *s->in++;
    }
    length += 2;
    if (s->in == s->in_end)
        return false;
    const ptrdiff_t distance = (ptrdiff_t)((control & 31u) << 8 | *s->in++) + 1;
    if (distance > s->out - s->begin || s->out_end - s->out < length)
        return false;
    for (; length > 0; --length, ++s->out)
        *s->out = s->out[-distance];
    return true;
}

/* Returns the bytes that come out; 0: damaged, or more than there is room for. */
static size_t decode(const void *in, size_t in_bytes, void *out, size_t room)
{
    const unsigned char *const begin = in;
    stream s = {begin, begin + in_bytes, out, out, (unsigned char *)out + room};
    while (s.in < s.in_end) {
        const unsigned control = *s.in++;
        if (!(control < 32 ? copy_run(&s, (ptrdiff_t)control + 1)
                           : copy_back(&s, control)))
            return 0;
    }
    return (size_t)(s.out - s.begin);
}

static size_t filter(unsigned flags, size_t count, const unsigned *values, size_t bytes,
                     size_t *room, void **buffer)
{
    const size_t chunk = count > 2 ? values[2] : 0;
    if (!(flags & H5Z_FLAG_REVERSE) || chunk == 0)
        return 0;
    void *const out = H5allocate_memory(chunk, false);
    const size_t made = out ? decode(*buffer, bytes, out, chunk) : 0;
    if (made == 0) {
        H5free_memory(out);
        return 0;
    }
    H5free_memory(*buffer);
    *buffer = out;
    *room = chunk;
    return made;
}

void flo_lzf_register(void)
{
    static const H5Z_class2_t lzf = {.version = H5Z_CLASS_T_VERS,
                                     .id = FILTER,
                                     .encoder_present = 0,
                                     .decoder_present = 1,
                                     .name = "lzf",
                                     .filter = filter};
    if (H5Zfilter_avail(FILTER) <= 0)
        H5Zregister(&lzf);
}
