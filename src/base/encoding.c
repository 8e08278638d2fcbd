/* encoding.c - UTF-8, hexadecimal, base64 and percent-encoding. Declared in str.h. */
#include "base/buf.h"
#include "base/internal.h"

size_t utf8_decode(Str s, uint32_t *ret_code_point)
{
    if (s.len == 0)
        return 0;
    const unsigned char *p = (const unsigned char *)s.ptr;
    if (p[0] < 0x80) {
        *ret_code_point = p[0];
        return 1;
    }
    /* Unicode 15, table 3-7: the range of the second byte keeps out overlong forms, surrogates and what is
     * beyond U+10FFFF. */
    size_t n;
    unsigned char low = 0x80, high = 0xBF;
    uint32_t value;
    if (p[0] >= 0xC2 && p[0] <= 0xDF) {
        n = 2;
        value = p[0] & 0x1Fu;
    } else if ((p[0] & 0xF0) == 0xE0) {
        n = 3;
        value = p[0] & 0x0Fu;
        low = p[0] == 0xE0 ? 0xA0 : 0x80;
        high = p[0] == 0xED ? 0x9F : 0xBF;
    } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        n = 4;
        value = p[0] & 0x07u;
        low = p[0] == 0xF0 ? 0x90 : 0x80;
        high = p[0] == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (s.len < n || p[1] < low || p[1] > high)
        return 0;
    value = value << 6 | (p[1] & 0x3Fu);
    for (size_t i = 2; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (p[i] & 0x3Fu);
    }
    *ret_code_point = value;
    return n;
}

bool utf8_is_valid(Str s)
{
    for (size_t i = 0; i < s.len;) {
        uint64_t eight;
        uint32_t code_point;
        if (s.len - i >= 8 && (memcpy(&eight, s.ptr + i, 8), (eight & 0x8080808080808080u) == 0)) {
            i += 8;
            continue;
        }
        size_t n = utf8_decode((Str){ s.ptr + i, s.len - i }, &code_point);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

size_t utf8_length(Str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return n;
}

size_t utf8_encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        c = 0xFFFD;     /* never write what we would refuse to read */
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

size_t utf8_cut(const char *text, size_t n)
{
    size_t start = n;
    while (start > 0 && n - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return n;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t have = n - start + 1;
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return have < need ? start - 1 : n;
}

void hex_encode(const void *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int hex_decode(Str s, uint8_t *out, size_t n, Error *err)
{
    if (s.len / 2 != n || s.len % 2 != 0)
        return err_set(err, ERR_BAD_REQUEST, "expected %zu hexadecimal digits, got %zu characters", 2 * n,
                       s.len);
    for (size_t i = 0; i < n; i++) {
        int high = hex_value(s.ptr[2 * i]), low = hex_value(s.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return err_set(err, ERR_BAD_REQUEST, "malformed hexadecimal digit in byte %zu", i);
        out[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

static const char base64_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int base64_encode(Str bytes, bool url, Buf *out)
{
    if (bytes.len > SIZE_MAX / 2) {
        out->overflow = true;
        return -1;
    }
    const char *alphabet = url ? base64_url : base64_std;
    char *to = buf_reserve(out, (bytes.len + 2) / 3 * 4);
    if (!to)
        return -1;
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    size_t n = 0, i = 0;
    for (; bytes.len - i >= 3; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 | p[i + 2];
        to[n++] = alphabet[v >> 18];
        to[n++] = alphabet[v >> 12 & 63];
        to[n++] = alphabet[v >> 6 & 63];
        to[n++] = alphabet[v & 63];
    }
    size_t left = bytes.len - i;
    if (left > 0) {
        uint32_t v = (uint32_t)p[i] << 16 | (left == 2 ? (uint32_t)p[i + 1] << 8 : 0);
        to[n++] = alphabet[v >> 18];
        to[n++] = alphabet[v >> 12 & 63];
        if (left == 2)
            to[n++] = alphabet[v >> 6 & 63];
        while (!url && n % 4 != 0)
            to[n++] = '=';
    }
    out->len += n;
    out->data[out->len] = '\0';
    return 0;
}

static int base64_value(char c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    return c == (url ? '_' : '/') ? 63 : -1;
}

/* Strict: one text stands for one value, so bits beyond the last byte must be zero. */
int base64_decode(Str text, bool url, Buf *out, Error *err)
{
    if (!url) {
        if (text.len % 4 != 0)
            return err_set(err, ERR_BAD_REQUEST, "base64 text has %zu characters, not a multiple of 4",
                           text.len);
        for (int i = 0; i < 2 && text.len > 0 && text.ptr[text.len - 1] == '='; i++)
            text.len--;
    }
    if (text.len % 4 == 1)
        return err_set(err, ERR_BAD_REQUEST, "base64 text of %zu characters ends inside a byte", text.len);
    char *to = buf_reserve(out, text.len / 4 * 3 + (text.len % 4 ? text.len % 4 - 1 : 0));
    if (!to)
        return err_set(err, ERR_LIMIT, "base64 text of %zu characters is too long here", text.len);
    size_t n = 0;
    uint32_t bits = 0;
    unsigned n_bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = base64_value(text.ptr[i], url);
        if (value < 0)
            return err_set(err, ERR_BAD_REQUEST, "malformed base64 at character %zu", i + 1);
        bits = (bits << 6 | (uint32_t)value) & 0xFFFFFF;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            to[n++] = (char)(bits >> n_bits & 0xFF);
        }
    }
    if (bits & ((1u << n_bits) - 1))
        return err_set(err, ERR_BAD_REQUEST, "base64 text has bits set beyond its last byte");
    out->len += n;
    out->data[out->len] = '\0';
    return 0;
}

int percent_decode(Str s, bool plus, Buf *out, Error *err)
{
    char *to = buf_reserve(out, s.len);
    if (!to)
        return err_set(err, ERR_LIMIT, "percent-encoded text of %zu bytes is too long here", s.len);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '%') {
            int high = s.len - i > 2 ? hex_value(s.ptr[i + 1]) : -1;
            int low = s.len - i > 2 ? hex_value(s.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return err_set(err, ERR_BAD_REQUEST, "malformed percent escape at byte %zu", i + 1);
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        to[n++] = c;
    }
    out->len += n;
    out->data[out->len] = '\0';
    return 0;
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int percent_encode(Str s, bool keep_slash, Buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t need = s.len;
    for (size_t i = 0; i < s.len; i++)
        need += is_unreserved(s.ptr[i]) || (keep_slash && s.ptr[i] == '/') ? 0 : 2;
    char *to = buf_reserve(out, need);
    if (!to)
        return -1;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (is_unreserved((char)c) || (keep_slash && c == '/')) {
            *to++ = (char)c;
        } else {
            *to++ = '%';
            *to++ = digits[c >> 4];
            *to++ = digits[c & 15];
        }
    }
    out->len += need;
    out->data[out->len] = '\0';
    return 0;
}
