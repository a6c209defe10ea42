/* One loop a machine type, each turning its elements to flo_real. */
#include "hdf5/convert.h"

#define CONVERTERS(ROW)                                                                \
    ROW(from_float, float, H5T_NATIVE_FLOAT)                                           \
    ROW(from_double, double, H5T_NATIVE_DOUBLE)                                        \
    ROW(from_int8, int8_t, H5T_NATIVE_INT8)                                            \
    ROW(from_int16, int16_t, H5T_NATIVE_INT16)                                         \
    ROW(from_int32, int32_t, H5T_NATIVE_INT32)                                         \
    ROW(from_int64, int64_t, H5T_NATIVE_INT64)                                         \
    ROW(from_uint8, uint8_t, H5T_NATIVE_UINT8)                                         \
    ROW(from_uint16, uint16_t, H5T_NATIVE_UINT16)                                      \
    ROW(from_uint32, uint32_t, H5T_NATIVE_UINT32)                                      \
    ROW(from_uint64, uint64_t, H5T_NATIVE_UINT64)

#define DEFINE(name, type, native)                                                     \
    static void name(int64_t count, const void *in, flo_real *out)                     \
    {                                                                                  \
        const type *const elements = in;                                               \
        for (int64_t i = 0; i < count; ++i)                                            \
            out[i] = (flo_real)elements[i];                                            \
    }
CONVERTERS(DEFINE)
#undef DEFINE

flo_converter flo_converter_find(hid_t type)
{
#define ENTRY(name, type, native) {native, name},
    const struct {
        hid_t native;
        flo_converter convert;
    } table[] = {CONVERTERS(ENTRY)};
#undef ENTRY
    for (size_t i = 0; i < sizeof table / sizeof *table; ++i)
        if (H5Tequal(type, table[i].native) > 0)
            return table[i].convert;
    return NULL;
}
