/* The checksum: fixed values, and a change of any byte is seen. */
#include "core/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void fill(size_t size, unsigned char *bytes)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * 131 + i / 256);
}

/* Files carry these values; that of no bytes is XXH3's published one. */
static void values_are_fixed(void **state)
{
    (void)state;
    unsigned char bytes[1000];
    fill(sizeof bytes, bytes);
    assert_int_equal(flo_checksum("", 0), UINT64_C(0x2d06800538d394c2));
    assert_int_equal(flo_checksum("flotilla", 8), UINT64_C(0xb59a8dcb67af3ccb));
    assert_int_equal(flo_checksum(bytes, sizeof bytes), UINT64_C(0x2ac5b3b66d7cf18f));
}

static void every_bit_and_the_length_count(void **state)
{
    (void)state;
    enum { SIZE = 600 };
    unsigned char bytes[SIZE + 1] = {0};
    fill(SIZE, bytes);
    const uint64_t whole = flo_checksum(bytes, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1 << bit);
            assert_true(flo_checksum(bytes, SIZE) != whole);
            bytes[i] ^= (unsigned char)(1 << bit);
        }
    assert_true(flo_checksum(bytes, SIZE - 1) != whole);
    assert_true(flo_checksum(bytes, SIZE + 1) != whole);
    assert_true(flo_checksum(bytes, SIZE) == whole);
}

static void a_value_does_not_depend_on_alignment(void **state)
{
    (void)state;
    enum { SIZE = 500 };
    unsigned char bytes[SIZE], moved[SIZE + 16];
    fill(SIZE, bytes);
    for (size_t shift = 0; shift < 16; shift++) {
        memcpy(moved + shift, bytes, SIZE);
        assert_int_equal(flo_checksum(moved + shift, SIZE), flo_checksum(bytes, SIZE));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_fixed),
        cmocka_unit_test(every_bit_and_the_length_count),
        cmocka_unit_test(a_value_does_not_depend_on_alignment)};
    cmocka_set_message_output(CM_OUTPUT_STDOUT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
