/* config_value.c - what a configuration value may look like. */
#include "base/config_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/internal.h"

typedef struct Unit {
    const char *name;
    int64_t factor;
} Unit;

/* As SI, IEC and Kubernetes' quantities have them: K is 1000, Ki 1024. */
static const Unit size_units[] = {
    { "", 1 }, { "B", 1 },
    { "K", 1000 }, { "KB", 1000 }, { "kB", 1000 }, { "Ki", 1024 }, { "KiB", 1024 },
    { "M", 1000000 }, { "MB", 1000000 }, { "Mi", 1 << 20 }, { "MiB", 1 << 20 },
    { "G", 1000000000 }, { "GB", 1000000000 }, { "Gi", 1 << 30 }, { "GiB", 1 << 30 },
    { "T", 1000000000000 }, { "TB", 1000000000000 }, { "Ti", 1ll << 40 }, { "TiB", 1ll << 40 },
};

static const Unit duration_units[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
};

static int value_error(Str value, const char *expected, Error *err)
{
    return err_set(err, ERR_CONFIG, "\"%.*s\" is not %s", STR_ARG(str_shown(value, 80)), expected);
}

static int parse_with_unit(Str value, const Unit *units, size_t n_units, const char *expected, int64_t *ret,
                           Error *err)
{
    size_t digits = 0;
    while (digits < value.len && value.ptr[digits] >= '0' && value.ptr[digits] <= '9')
        digits++;
    Str unit = str_slice(value, digits, value.len);
    int64_t number = 0;
    if (str_to_i64(str_slice(value, 0, digits), 0, INT64_MAX, &number, NULL) < 0)
        return value_error(value, expected, err);
    if (number == 0 && unit.len == 0) {     /* nothing is nothing in every unit */
        *ret = 0;
        return 0;
    }
    for (size_t i = 0; i < n_units; i++)
        if (str_is(unit, units[i].name) && !__builtin_mul_overflow(number, units[i].factor, ret))
            return 0;
    return value_error(value, expected, err);
}

static int parse_bool(Str value, int64_t *ret, Error *err)
{
    if (!str_is(value, "true") && !str_is(value, "false"))
        return value_error(value, "true or false", err);
    *ret = str_is(value, "true");
    return 0;
}

static int parse_int(const ConfigKey *key, Str value, int64_t *ret, Error *err)
{
    bool port = str_has_suffix(str_from(key->name), STR(".port"));
    int64_t max = port ? 65535 : INT64_MAX;
    if (str_to_i64(value, 0, max, ret, NULL) < 0)
        return value_error(value, port ? "a port (0 to 65535)" : "a whole number from 0 on", err);
    return 0;
}

int config_value_check(const ConfigKey *key, Str value, int64_t *ret_number, Error *err)
{
    *ret_number = 0;
    switch (key->kind) {
    case CONFIG_STRING:
        if (!utf8_is_valid(value) || str_find_char(value, '\0') >= 0)
            return err_set(err, ERR_CONFIG, "the value is not UTF-8 text");
        return 0;
    case CONFIG_SECRET:
        if (value.len == 0 || str_find_char(value, '\0') >= 0)
            return err_set(err, ERR_CONFIG, "the secret is empty or holds a NUL byte");
        return 0;
    case CONFIG_INT:
        return parse_int(key, value, ret_number, err);
    case CONFIG_BOOL:
        return parse_bool(value, ret_number, err);
    case CONFIG_SIZE:
        return parse_with_unit(value, size_units, sizeof size_units / sizeof *size_units,
                               "a size (65536, 64KiB, 64MB, 10GB)", ret_number, err);
    case CONFIG_DURATION:
        return parse_with_unit(value, duration_units, sizeof duration_units / sizeof *duration_units,
                               "a duration (250ms, 30s, 5m, 12h, 100d)", ret_number, err);
    }
    return err_set(err, ERR_INTERNAL, "a key of unknown kind");
}

size_t config_edit_distance(Str a, Str b)
{
    enum { LENGTH_MAX = 80 };
    size_t row[LENGTH_MAX + 1];
    if (a.len > LENGTH_MAX || b.len > LENGTH_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            diagonal = row[j];
            size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < shorter ? change : shorter;
        }
    }
    return row[b.len];
}
