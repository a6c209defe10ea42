/* One loop a stored type and byte order, each turning its bits to flo_real. */
#include "hdf5/convert.h"

#include <string.h>

/* Every type: its name, its bits, and HDF5's name of it in memory. */
#define MACHINE_TYPES(ROW)                                                             \
    ROW(float, 32, H5T_NATIVE_FLOAT)                                                   \
    ROW(double, 64, H5T_NATIVE_DOUBLE)                                                 \
    ROW(int8_t, 8, H5T_NATIVE_INT8)                                                    \
    ROW(int16_t, 16, H5T_NATIVE_INT16)                                                 \
    ROW(int32_t, 32, H5T_NATIVE_INT32)                                                 \
    ROW(int64_t, 64, H5T_NATIVE_INT64)                                                 \
    ROW(uint8_t, 8, H5T_NATIVE_UINT8)                                                  \
    ROW(uint16_t, 16, H5T_NATIVE_UINT16)                                               \
    ROW(uint32_t, 32, H5T_NATIVE_UINT32)                                               \
    ROW(uint64_t, 64, H5T_NATIVE_UINT64)

static inline uint8_t swap8(uint8_t bits)
{
    return bits;
}

static inline uint16_t swap16(uint16_t bits)
{
    return (uint16_t)(bits << 8 | bits >> 8);
}

static inline uint32_t swap32(uint32_t bits)
{
    return (uint32_t)swap16((uint16_t)bits) << 16 | swap16((uint16_t)(bits >> 16));
}

static inline uint64_t swap64(uint64_t bits)
{
    return (uint64_t)swap32((uint32_t)bits) << 32 | swap32((uint32_t)(bits >> 32));
}

/* The value that bits stand for. A cast rounds to nearest, 64-bit integers too. */
#define DEFINE_VALUE(type, width, native)                                              \
    static inline type stored_##type(uint##width##_t bits)                             \
    {                                                                                  \
        type value;                                                                    \
        memcpy(&value, &bits, sizeof value);                                           \
        return value;                                                                  \
    }                                                                                  \
    static inline flo_real value_of_##type(uint##width##_t bits)                       \
    {                                                                                  \
        return (flo_real)stored_##type(bits);                                          \
    }
MACHINE_TYPES(DEFINE_VALUE)

/* IEEE 754 binary16, which C11 has no type for: 1 sign, 5 exponent (bias 15), 10
   mantissa bits. Every value is a float: the exponent moves to float's bias of 127,
   infinity and NaN to its largest; below 2^-14 the mantissa counts units of 2^-24. */
static inline flo_real value_of_float16(uint16_t bits)
{
    const uint32_t magnitude = bits & 0x7fffu, sign = (uint32_t)(bits & 0x8000u) << 16;
    const float tiny = (float)(int32_t)magnitude * 0x1p-24f;
    uint32_t found;
    memcpy(&found, &tiny, sizeof found);
    if (magnitude >= 0x0400u)
        found = (magnitude << 13) + ((127u - 15u) << 23);
    if (magnitude >= 0x7c00u)
        found = magnitude << 13 | 0x7f800000u;
    return value_of_float(found | sign);
}

static inline flo_real stored_float16(uint16_t bits)
{
    return value_of_float16(bits);
}

static inline double less_double(double value, double origin)
{
    return value - origin;
}

/* Integers of 64 bits less a whole origin are whole, also where double holds neither:
   the difference wraps to the right one. */
static inline double less_int64(int64_t value, double origin)
{
    if (!(origin >= -0x1p63 && origin < 0x1p63) || origin != (double)(int64_t)origin)
        return (double)value - origin;
    const int64_t whole = (int64_t)origin;
    return value >= whole ? (double)((uint64_t)value - (uint64_t)whole)
                          : -(double)((uint64_t)whole - (uint64_t)value);
}

static inline double less_uint64(uint64_t value, double origin)
{
    if (!(origin >= 0 && origin < 0x1p64) || origin != (double)(uint64_t)origin)
        return (double)value - origin;
    const uint64_t whole = (uint64_t)origin;
    return value >= whole ? (double)(value - whole) : -(double)(whole - value);
}

#define LESS(value, origin)                                                            \
    _Generic((value), int64_t                                                          \
             : less_int64, uint64_t                                                    \
             : less_uint64, default                                                    \
             : less_double)(value, origin)

#define DEFINE_CONVERTER(name, type, width, order)                                     \
    static void name(int64_t rows, int64_t count, const void *in, int64_t in_stride,   \
                     flo_real *out, int64_t out_stride)                                \
    {                                                                                  \
        const unsigned char *row = in;                                                 \
        if (out_stride == count && in_stride == count * (width / 8)) {                 \
            count *= rows;                                                             \
            rows = 1;                                                                  \
        }                                                                              \
        for (int64_t i = 0; i < rows; ++i, row += in_stride, out += out_stride)        \
            for (int64_t j = 0; j < count; ++j) {                                      \
                uint##width##_t bits;                                                  \
                memcpy(&bits, row + j * (width / 8), sizeof bits);                     \
                out[j] = value_of_##type(order(bits));                                 \
            }                                                                          \
    }
#define DEFINE_WIDENER(name, type, width, order)                                       \
    static void name(int64_t rows, int64_t count, const void *in, int64_t in_stride,   \
                     const double *origin, double *out, int64_t out_stride)            \
    {                                                                                  \
        const unsigned char *row = in;                                                 \
        for (int64_t i = 0; i < rows; ++i, row += in_stride, out += out_stride)        \
            for (int64_t j = 0; j < count; ++j) {                                      \
                uint##width##_t bits;                                                  \
                memcpy(&bits, row + j * (width / 8), sizeof bits);                     \
                out[j] = LESS(stored_##type(order(bits)), origin ? origin[j] : 0);     \
            }                                                                          \
    }
#define DEFINE_PAIR(type, width, native)                                               \
    DEFINE_WIDENER(wide_##type, type, width, )                                         \
    DEFINE_WIDENER(wide_other_##type, type, width, swap##width)                        \
    DEFINE_CONVERTER(from_##type, type, width, )                                       \
    DEFINE_CONVERTER(from_other_##type, type, width, swap##width)
MACHINE_TYPES(DEFINE_PAIR)
DEFINE_PAIR(float16, 16, )

/* Whether a type is binary16 in one of the two byte orders. */
static bool is_float16(hid_t type)
{
    size_t sign, exponent, exponent_bits, mantissa, mantissa_bits;
    if (H5Tget_class(type) != H5T_FLOAT || H5Tget_size(type) != 2 ||
        H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa,
                      &mantissa_bits) < 0)
        return false;
    return sign == 15 && exponent == 10 && exponent_bits == 5 && mantissa == 0 &&
           mantissa_bits == 10 && H5Tget_ebias(type) == 15 &&
           H5Tget_norm(type) == H5T_NORM_IMPLIED && H5Tget_offset(type) == 0;
}

static H5T_order_t other_order(void)
{
    return H5Tget_order(H5T_NATIVE_INT) == H5T_ORDER_LE ? H5T_ORDER_BE : H5T_ORDER_LE;
}

static bool is_other(hid_t type, hid_t native)
{
    const hid_t other = H5Tcopy(native);
    H5Tset_order(other, other_order());
    const bool equal = H5Tequal(type, other) > 0;
    H5Tclose(other);
    return equal;
}

flo_converter flo_converter_find(hid_t type)
{
#define ENTRY(type, width, native) {native, from_##type, from_other_##type},
    const struct {
        hid_t native;
        flo_converter convert, convert_other;
    } table[] = {MACHINE_TYPES(ENTRY)};
    for (size_t i = 0; i < sizeof table / sizeof *table; ++i) {
        if (H5Tequal(type, table[i].native) > 0)
            return table[i].convert;
        if (is_other(type, table[i].native))
            return table[i].convert_other;
    }
    if (!is_float16(type))
        return NULL;
    return H5Tget_order(type) == other_order() ? from_other_float16 : from_float16;
}

flo_widener flo_converter_widen(flo_converter convert)
{
#define WIDE(type, width, native)                                                      \
    {from_##type, wide_##type}, {from_other_##type, wide_other_##type},
    const struct {
        flo_converter convert;
        flo_widener widen;
    } table[] = {MACHINE_TYPES(WIDE) WIDE(float16, 16, )};
    size_t i = 0;
    while (table[i].convert != convert)
        ++i;
    return table[i].widen;
}

#ifdef FLOTILLA_DOUBLE
hid_t flo_converter_real(void)
{
    return H5T_NATIVE_DOUBLE;
}

bool flo_converter_copies(flo_converter convert)
{
    return convert == from_double;
}
#else
hid_t flo_converter_real(void)
{
    return H5T_NATIVE_FLOAT;
}

bool flo_converter_copies(flo_converter convert)
{
    return convert == from_float;
}
#endif
