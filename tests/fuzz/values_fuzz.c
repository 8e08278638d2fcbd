/* values_fuzz.c - texts and bytes of values: numbers, IP addresses, format() patterns. The first byte picks.
 */
#include "query/engine/functions/format.h"
#include "query/engine/functions/ipaddress.h"
#include "query/engine/functions/number.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is written and read again, the same. */
static void number_text(Str s)
{
    Number v, again;
    char text[NUMBER_STRING_MAX];
    uint8_t bytes[NUMBER_BYTES_MAX], same[NUMBER_BYTES_MAX];
    if (!number_parse(s, &v))
        return;
    size_t n = number_encode(&v, bytes);
    if (n == 0)
        return;
    char *end = put_number(text, &v);
    if (!number_parse(str_of(text, (size_t)(end - text)), &again) || number_encode(&again, same) != n ||
        memcmp(bytes, same, n) != 0)
        __builtin_trap();
}

/* Two numbers of foreign bytes through every operation. */
static void number_bytes(Str s)
{
    Number a, b, t;
    uint8_t bytes[NUMBER_BYTES_MAX];
    size_t half = s.len / 2;
    if (!number_decode(str_slice(s, 0, half), &a) || !number_decode(str_slice(s, half, s.len), &b))
        return;
    number_add((t = a, &t), &b);
    (void)number_encode(&t, bytes);
    number_multiply((t = a, &t), &b);
    (void)number_encode(&t, bytes);
    (void)number_divide((t = a, &t), &b);
    (void)number_encode(&t, bytes);
    (void)number_modulus((t = a, &t), &b);
    (void)number_encode(&t, bytes);
}

static void ipaddress(Str s)
{
    uint8_t bytes[IPADDRESS_BYTES], same[IPADDRESS_BYTES];
    char text[IPADDRESS_TEXT_MAX];
    bool is_v6;
    if (!ipaddress_parse(s, bytes, &is_v6))
        return;
    char *end = put_ipaddress(text, bytes);
    if (!ipaddress_parse(str_of(text, (size_t)(end - text)), same, &is_v6) ||
        memcmp(bytes, same, sizeof bytes) != 0)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Format format;
    Error err;
    Str s = size > 0 ? str_of((const char *)data + 1, size - 1) : STR("");
    switch (size > 0 ? data[0] : 0) {
    case 'n':
        number_text(s);
        break;
    case 'b':
        number_bytes(s);
        break;
    case 'i':
        ipaddress(s);
        break;
    default:
        (void)format_parse(s, &format, &err);
    }
    return 0;
}
