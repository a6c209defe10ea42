/* Any bytes become a valid JSON string. */
#include "run/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void escapes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"say \"a\\b\"", "\"say \\\"a\\\\b\\\"\""},
        {"a\nb\tc\rd", "\"a\\nb\\tc\\rd\""},
        {"\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""},
        {"Füße €", "\"Füße €\""},
        {"\xf0\x9f\x9a\xa2", "\"\xf0\x9f\x9a\xa2\""},
        {"a\xff"
         "b",
         "\"a\\ufffdb\""},
        {"\xc3", "\"\\ufffd\""},                                  /* cut short */
        {"\xe2\x82", "\"\\ufffd\\ufffd\""},                       /* cut short */
        {"\xc0\xaf", "\"\\ufffd\\ufffd\""},                       /* overlong */
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},            /* a surrogate */
        {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* U+110000 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[64];
        assert_string_equal(flo_json_quote(rows[i].text, out, sizeof out),
                            rows[i].wanted);
    }
}

static void the_stated_room_is_enough(void **state)
{
    (void)state;
    char text[101], whole[FLO_JSON_BYTES(100)], more[2 * sizeof whole];
    for (int byte = 1; byte < 256; byte++) {
        memset(text, byte, 100);
        text[100] = '\0';
        assert_string_equal(flo_json_quote(text, whole, sizeof whole),
                            flo_json_quote(text, more, sizeof more));
    }
}

/* In too little room it is cut between characters and still closed. */
static void cut_between_characters(void **state)
{
    (void)state;
    char out[16];
    assert_string_equal(flo_json_quote("abc", out, 5), "\"ab\"");
    assert_string_equal(flo_json_quote("abc", out, 6), "\"abc\"");
    assert_string_equal(flo_json_quote("a\n", out, 5), "\"a\"");
    assert_string_equal(flo_json_quote("\xc3\xbc", out, 4), "\"\"");
    assert_string_equal(flo_json_quote("abc", out, 3), "\"\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes),
        cmocka_unit_test(the_stated_room_is_enough),
        cmocka_unit_test(cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
