/* ipaddress.h - addresses of the Internet as values: 16 bytes, IPv4 as ::ffff:a.b.c.d.
 *
 * Texts are read as strictly as Guava's InetAddresses does (four decimal octets without leading zeros, no
 * zone index) and written as RFC 5952 says; an address of ::ffff:0:0/96 is written as IPv4. */
#pragma once

#include "base/str.h"

enum { IPADDRESS_BYTES = 16, IPADDRESS_TEXT_MAX = 46 };

/* *ret_is_v6: the text had colons. */
bool ipaddress_parse(Str text, uint8_t ret[IPADDRESS_BYTES], bool *ret_is_v6);
bool ipaddress_is_v4(const uint8_t *bytes);
/* Writes at most IPADDRESS_TEXT_MAX characters, returns the end. */
char *put_ipaddress(char *out, const uint8_t *bytes);
