#include "query/engine/functions/zones.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "query/engine/encode_time.h"

enum { ZONEINFO_BYTES_MAX = 4 << 20 };

static const char zoneinfo_dir[] = "/usr/share/zoneinfo";

typedef struct Zone {
    Str name;
    _Atomic(TzRules *) rules; /* NULL: not read yet */
} Zone;

/* Filled once, then only `rules` change: from NULL to what stays for good. */
static Zone *zones;
static size_t n_zones;
static pthread_once_t zones_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t zones_lock = PTHREAD_MUTEX_INITIALIZER;

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static int compare_nocase(Str a, Str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < n; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return (unsigned char)lower(a.ptr[i]) < (unsigned char)lower(b.ptr[i]) ? -1 : 1;
    return a.len < b.len ? -1 : a.len > b.len;
}

static int compare_zones(const void *a, const void *b)
{
    return compare_nocase(((const Zone *)a)->name, ((const Zone *)b)->name);
}

/* "Z NAME …" defines a zone, "L TARGET NAME" another name for one. */
static Str name_of_line(Str line)
{
    Str rest = STR_NULL, word = str_cut(line, ' ', &rest);
    if (!rest.ptr || !(str_is(word, "Z") || str_is(word, "L")))
        return STR_NULL;
    if (str_is(word, "L"))
        str_cut(rest, ' ', &rest);
    return rest.ptr ? str_cut(rest, ' ', &rest) : STR_NULL;
}

static void zones_init(void)
{
    Error err;
    char path[256];
    static Buf text; /* names point into it for good */
    text = BUF_INIT(ZONEINFO_BYTES_MAX);
    snprintf(path, sizeof path, "%s/tzdata.zi", zoneinfo_dir);
    if (fs_read_file(path, ZONEINFO_BYTES_MAX, &text, &err) < 0) {
        log_error("engine.no_time_zones", L_ERR(&err));
        return;
    }
    zones = calloc(ZONE_NAMED_MAX + 1, sizeof *zones);
    for (Str rest = buf_str(&text); zones && rest.ptr && n_zones < ZONE_NAMED_MAX;) {
        Str name = name_of_line(str_cut(rest, '\n', &rest));
        if (name.ptr && name.len > 0 && name.len < ZONE_NAME_MAX)
            zones[n_zones++].name = name;
    }
    qsort(zones, n_zones, sizeof *zones, compare_zones);
}

static TzRules *load_rules(Str name)
{
    Error err;
    char path[256];
    _cleanup_buf_ Buf bytes = BUF_INIT(1 << 20);
    TzRules *rules = NULL;
    snprintf(path, sizeof path, "%s/%.*s", zoneinfo_dir, STR_ARG(name));
    if (fs_read_file(path, 1 << 20, &bytes, &err) < 0 || tzif_parse(buf_str(&bytes), &rules, &err) < 0)
        log_error("engine.time_zone", L_STR("zone", name), L_ERR(&err));
    return rules;
}

static const TzRules *rules_of(int16_t zone)
{
    pthread_once(&zones_once, zones_init);
    if (zone < 1 || (size_t)zone > n_zones)
        return NULL;
    Zone *z = &zones[zone - 1];
    TzRules *rules = atomic_load_explicit(&z->rules, memory_order_acquire);
    if (rules)
        return rules;
    pthread_mutex_lock(&zones_lock);
    rules = atomic_load(&z->rules);
    if (!rules && (rules = load_rules(z->name)))
        atomic_store_explicit(&z->rules, rules, memory_order_release);
    pthread_mutex_unlock(&zones_lock);
    return rules;
}

int16_t zone_of_offset(int32_t minutes)
{
    return minutes == 0 ? ZONE_UTC : (int16_t)(ZONE_OFFSET_BASE + minutes);
}

static bool is_utc_name(Str s)
{
    static const char *const names[] = {"z",    "utc",       "uct",       "ut",  "gmt",
                                        "gmt0", "greenwich", "universal", "zulu"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq_nocase(s, str_from(names[i])))
            return true;
    return false;
}

/* "+5", "-08", "+05:30", "+0530" */
static bool parse_offset(Str s, int32_t *ret_minutes)
{
    if (s.len < 2 || (s.ptr[0] != '+' && s.ptr[0] != '-'))
        return false;
    Str hours = str_slice(s, 1, s.len), minutes = STR_NULL;
    if (str_find_char(hours, ':') >= 0) {
        hours = str_cut(hours, ':', &minutes);
    } else if (hours.len == 4) {
        minutes = str_slice(hours, 2, 4);
        hours = str_slice(hours, 0, 2);
    }
    int64_t h, m = 0;
    if (hours.len > 2 || str_to_i64(hours, 0, 14, &h, NULL) < 0 ||
        (minutes.ptr && (minutes.len != 2 || str_to_i64(minutes, 0, 59, &m, NULL) < 0)))
        return false;
    int32_t total = (int32_t)(h * 60 + m);
    *ret_minutes = s.ptr[0] == '-' ? -total : total;
    return total <= ZONE_OFFSET_MAX;
}

static bool find_named(Str name, int16_t *ret_zone)
{
    pthread_once(&zones_once, zones_init);
    Zone key = {.name = name};
    const Zone *found = n_zones ? bsearch(&key, zones, n_zones, sizeof *zones, compare_zones) : NULL;
    if (!found)
        return false;
    *ret_zone = (int16_t)(found - zones + 1);
    return true;
}

static bool has_prefix_nocase(Str s, Str prefix)
{
    return s.len >= prefix.len && str_eq_nocase(str_slice(s, 0, prefix.len), prefix);
}

bool zone_find(Str name, int16_t *ret_zone)
{
    int32_t minutes;
    bool etc = has_prefix_nocase(name, STR("etc/"));
    Str bare = etc ? str_slice(name, 4, name.len) : name;
    if (is_utc_name(bare)) {
        *ret_zone = ZONE_UTC;
        return true;
    }
    static const char *const prefixes[] = {"utc", "gmt", "ut"};
    Str offset = bare;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (has_prefix_nocase(bare, str_from(prefixes[i]))) {
            offset = str_slice(bare, strlen(prefixes[i]), bare.len);
            break;
        }
    if (parse_offset(offset, &minutes)) {
        *ret_zone = zone_of_offset(etc ? -minutes : minutes); /* Etc/GMT+5 is west of Greenwich */
        return true;
    }
    return find_named(name, ret_zone);
}

char *zone_put_name(char *out, int16_t zone)
{
    Str name = STR("UTC");
    if (zone_is_offset(zone))
        return put_offset(out, zone - ZONE_OFFSET_BASE);
    pthread_once(&zones_once, zones_init);
    if (zone > 0 && (size_t)zone <= n_zones)
        name = zones[zone - 1].name;
    memcpy(out, name.ptr, name.len);
    return out + name.len;
}

int32_t zone_offset_at(int16_t zone, int64_t utc_seconds)
{
    if (zone == ZONE_UTC)
        return 0;
    if (zone_is_offset(zone))
        return (zone - ZONE_OFFSET_BASE) * 60;
    const TzRules *rules = rules_of(zone);
    return rules ? tzif_offset_at(rules, utc_seconds) : 0;
}

int32_t zone_offset_of_local(int16_t zone, int64_t local_seconds)
{
    if (zone == ZONE_UTC)
        return 0;
    if (zone_is_offset(zone))
        return (zone - ZONE_OFFSET_BASE) * 60;
    const TzRules *rules = rules_of(zone);
    return rules ? tzif_local(rules, local_seconds).offset_before : 0;
}

bool zone_has_local(int16_t zone, int64_t local_seconds)
{
    int32_t offset = zone_offset_of_local(zone, local_seconds);
    return zone_offset_at(zone, local_seconds - offset) == offset;
}
