/* t_ipaddress.c - the ipaddress type: texts, bytes, and contains(cidr, address).
 * Source: Trino's documentation "IP address functions"; behaviour of release 483. */
#include "query/engine/functions/ipaddress.h"

#include "query/engine/functions/function.h"

enum { V4_OFFSET = 12, GROUPS = 8 };

static const uint8_t v4_prefix[V4_OFFSET] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool ipaddress_is_v4(const uint8_t *bytes)
{
    return memcmp(bytes, v4_prefix, V4_OFFSET) == 0;
}

/* ---- texts ---- */

static bool parse_v4(Str s, uint8_t ret[4])
{
    size_t at = 0;
    for (int octet = 0; octet < 4; octet++) {
        size_t start = at;
        unsigned value = 0;
        for (; at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9' && at - start < 3; at++)
            value = value * 10 + (unsigned)(s.ptr[at] - '0');
        bool octal = at - start > 1 && s.ptr[start] == '0';
        bool ends = octet == 3 ? at == s.len : at < s.len && s.ptr[at++] == '.';
        if (s.ptr + start == s.ptr + at || value > 255 || octal || !ends || s.ptr[start] == '.')
            return false;
        ret[octet] = (uint8_t)value;
    }
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Groups of hexadecimal digits from s[*at] to the end or to "::", the last perhaps as IPv4. Their number, or
 * -1. */
static int parse_groups(Str s, size_t *at, uint8_t *ret, int most)
{
    int n = 0;
    while (*at < s.len) {
        size_t start = *at;
        unsigned value = 0;
        for (; *at < s.len && *at - start < 4 && hex_digit(s.ptr[*at]) >= 0; (*at)++)
            value = value * 16 + (unsigned)hex_digit(s.ptr[*at]);
        if (*at < s.len && s.ptr[*at] == '.') {
            if (n + 2 > most || !parse_v4(str_slice(s, start, s.len), ret + 2 * n))
                return -1;
            *at = s.len;
            return n + 2;
        }
        if (*at == start || n == most)
            return -1;
        ret[2 * n] = (uint8_t)(value >> 8);
        ret[2 * n + 1] = (uint8_t)value;
        n++;
        if (*at == s.len)
            return n;
        if (s.ptr[*at] != ':' || *at + 1 == s.len)
            return -1;
        if (s.ptr[*at + 1] == ':')
            return n;
        (*at)++;
    }
    return n;
}

static bool parse_v6(Str s, uint8_t ret[IPADDRESS_BYTES])
{
    uint8_t tail[IPADDRESS_BYTES];
    size_t at = 0;
    bool starts_short = s.len >= 2 && s.ptr[0] == ':' && s.ptr[1] == ':';
    int head = starts_short ? 0 : parse_groups(s, &at, ret, GROUPS);
    if (head < 0 || (head == GROUPS && at != s.len)) /* "::" stands for one group at least */
        return false;
    if (at == s.len)
        return head == GROUPS;
    at += 2; /* "::" */
    int rest = parse_groups(s, &at, tail, GROUPS - 1 - head);
    if (rest < 0 || at != s.len)
        return false;
    memset(ret + 2 * head, 0, IPADDRESS_BYTES - 2 * (size_t)head);
    memcpy(ret + IPADDRESS_BYTES - 2 * rest, tail, 2 * (size_t)rest);
    return true;
}

bool ipaddress_parse(Str text, uint8_t ret[IPADDRESS_BYTES], bool *ret_is_v6)
{
    *ret_is_v6 = str_find_char(text, ':') >= 0;
    if (*ret_is_v6)
        return parse_v6(text, ret);
    memcpy(ret, v4_prefix, V4_OFFSET);
    return parse_v4(text, ret + V4_OFFSET);
}

static char *put_v4(char *out, const uint8_t *octets)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *out++ = '.';
        out = put_u64(out, octets[i]);
    }
    return out;
}

static char *put_hex(char *out, unsigned group)
{
    int digits = group > 0xfff ? 4 : group > 0xff ? 3 : group > 0xf ? 2 : 1;
    for (int i = digits - 1; i >= 0; i--)
        *out++ = "0123456789abcdef"[group >> (4 * i) & 0xf];
    return out;
}

char *put_ipaddress(char *out, const uint8_t *bytes)
{
    if (ipaddress_is_v4(bytes))
        return put_v4(out, bytes + V4_OFFSET);
    unsigned groups[GROUPS];
    int best = -1, best_length = 1, run = 0; /* the first longest run of at least two zeros */
    for (int i = 0; i < GROUPS; i++) {
        groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
        run = groups[i] ? 0 : run + 1;
        if (run > best_length) {
            best_length = run;
            best = i - run + 1;
        }
    }
    for (int i = 0; i < GROUPS;) {
        if (i == best) {
            *out++ = ':';
            *out++ = ':';
            i += best_length;
            continue;
        }
        if (i > 0 && out[-1] != ':')
            *out++ = ':';
        out = put_hex(out, groups[i++]);
    }
    return out;
}

/* ---- functions ---- */

static void put_address(Call *c, size_t row, const uint8_t *bytes)
{
    call_put_str(c, row, str_of((const char *)bytes, IPADDRESS_BYTES));
}

static void from_varchar(Call *c)
{
    CALL_ROWS(c, i)
    {
        uint8_t bytes[IPADDRESS_BYTES];
        bool is_v6;
        Str text = arg_str(c, 0, i);
        if (ipaddress_parse(text, bytes, &is_v6))
            put_address(c, i, bytes);
        else
            call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Cannot cast value to IPADDRESS: %.*s", STR_ARG(text));
    }
}

static void from_varbinary(Call *c)
{
    CALL_ROWS(c, i)
    {
        Str bytes = arg_str(c, 0, i);
        uint8_t mapped[IPADDRESS_BYTES];
        if (bytes.len == 4) {
            memcpy(mapped, v4_prefix, V4_OFFSET);
            memcpy(mapped + V4_OFFSET, bytes.ptr, 4);
            put_address(c, i, mapped);
        } else if (bytes.len == IPADDRESS_BYTES) {
            put_address(c, i, (const uint8_t *)bytes.ptr);
        } else {
            call_fail(c, ERR_INVALID_CAST_ARGUMENT, "Invalid IP address binary length: %zu", bytes.len);
        }
    }
}

static void to_varchar(Call *c)
{
    CALL_ROWS(c, i)
    {
        char text[IPADDRESS_TEXT_MAX];
        Str bytes = arg_str(c, 0, i);
        if (bytes.len == IPADDRESS_BYTES) {
            char *end = put_ipaddress(text, (const uint8_t *)bytes.ptr);
            call_put_str(c, i, str_of(text, (size_t)(end - text)));
        } else {
            call_fail(c, ERR_INTERNAL, "an ipaddress of %zu bytes", bytes.len);
        }
    }
}

typedef struct Network {
    uint8_t base[IPADDRESS_BYTES];
    bool is_v4;
    int64_t prefix; /* of 32 or 128 bits */
} Network;

static bool invalid(Call *c, const char *message)
{
    call_fail(c, ERR_INVALID_FUNCTION_ARGUMENT, "%s", message);
    return false;
}

/* Of a network written as IPv4 no bit after the prefix may be set; of others that is not asked. */
static bool parse_network(Call *c, Str cidr, Network *ret)
{
    ptrdiff_t slash = str_find_char(cidr, '/');
    bool written_as_v6;
    if (slash < 0)
        return invalid(c, "Invalid CIDR");
    if (!ipaddress_parse(str_slice(cidr, 0, (size_t)slash), ret->base, &written_as_v6))
        return invalid(c, "Invalid network IP address");
    Str length = str_slice(cidr, (size_t)slash + 1, cidr.len);
    if (str_to_i64(length, INT32_MIN, INT32_MAX, &ret->prefix, NULL) < 0 || ret->prefix < 0)
        return invalid(c, "Invalid prefix length");
    ret->is_v4 = ipaddress_is_v4(ret->base);
    if (written_as_v6) {
        if (ret->prefix > 128)
            return invalid(c, "Invalid CIDR");
        if (ret->is_v4)
            ret->prefix = ret->prefix > 96 ? ret->prefix - 96 : 0;
        return true;
    }
    uint32_t address = 0;
    for (int i = 0; i < 4; i++)
        address = address << 8 | ret->base[V4_OFFSET + i];
    if (ret->prefix > 32 || (address & (uint32_t)(0xffffffffULL >> ret->prefix)) != 0)
        return invalid(c, "Invalid CIDR");
    return true;
}

static bool in_network(const Network *network, const uint8_t *address)
{
    if (ipaddress_is_v4(address) != network->is_v4)
        return false;
    int64_t bits = network->is_v4 ? network->prefix + 8 * V4_OFFSET : network->prefix;
    size_t whole = (size_t)bits / 8;
    unsigned rest = (unsigned)bits % 8;
    return memcmp(network->base, address, whole) == 0 &&
           (rest == 0 || (network->base[whole] ^ address[whole]) >> (8 - rest) == 0);
}

static void contains(Call *c)
{
    Network network = {0};
    Str parsed = STR_NULL;
    CALL_ROWS(c, i)
    {
        Str cidr = arg_str(c, 0, i), address = arg_str(c, 1, i);
        if (!parsed.ptr || !str_eq(cidr, parsed)) {
            if (!parse_network(c, cidr, &network))
                break;
            parsed = cidr;
        }
        OUT(c, bool, i) =
            address.len == IPADDRESS_BYTES && in_network(&network, (const uint8_t *)address.ptr);
    }
}

const FunctionDef t_ipaddress_functions[] = {
    {"t_varchar_to_ipaddress", "s>x", from_varchar},
    {"t_varbinary_to_ipaddress", "x>x", from_varbinary},
    {"t_ipaddress_to_varchar", "x>s", to_varchar},
    {"t_ip_contains", "sx>b", contains},
    {NULL},
};
