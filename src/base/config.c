/* config.c - see config.h. Reading values (sizes, durations, ...) is in config_value.c. */
#include "base/config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config_internal.h"
#include "base/fs.h"
#include "base/internal.h"
#include "base/limits.h"

extern char **environ;

#define STRING CONFIG_STRING
#define INT CONFIG_INT
#define BOOL CONFIG_BOOL
#define SIZE CONFIG_SIZE
#define DURATION CONFIG_DURATION
#define SECRET CONFIG_SECRET
static const ConfigKey config_keys[] = {
#define C(name, kind, default_value, help) { (name), (kind), (default_value), (help) },
#include "base/config.def"
#undef C
};
#undef STRING
#undef INT
#undef BOOL
#undef SIZE
#undef DURATION
#undef SECRET

enum {
    N_KEYS = sizeof config_keys / sizeof *config_keys,
    CONFIG_SECRET_BYTES = 64 * 1024,
    CONFIG_VARIABLE_MAX = 128,      /* a name in the environment */
};

struct Config {
    Arena *arena;
    ConfigValue values[N_KEYS];
    int64_t numbers[N_KEYS];        /* of all kinds but STRING and SECRET */
};

Config *config_new(void)
{
    Arena *arena = arena_new(2 * LIMIT_CONFIG_BYTES);
    Config *config = arena_new_of(arena, Config);
    config->arena = arena;
    for (size_t i = 0; i < N_KEYS; i++) {
        config->values[i] = (ConfigValue){ .key = &config_keys[i], .source = STR("default") };
        if (!config_keys[i].default_value)
            continue;
        Error err;
        config->values[i].text = str_from(config_keys[i].default_value);
        int result = config_value_check(&config_keys[i], config->values[i].text, &config->numbers[i], &err);
        assert(result == 0);
        (void)result;
    }
    return config;
}

void config_free(Config *config)
{
    if (config)
        arena_free(config->arena);
}

static ptrdiff_t config_find(Str key)
{
    for (size_t i = 0; i < N_KEYS; i++)
        if (str_is(key, config_keys[i].name))
            return (ptrdiff_t)i;
    return -1;
}

/* "storage.root_user_file" is the secret's path, unless config.def has a key of that very name. */
static ptrdiff_t config_find_file(Str key)
{
    if (!str_has_suffix(key, STR("_file")))
        return -1;
    ptrdiff_t i = config_find(str_slice(key, 0, key.len - strlen("_file")));
    return i >= 0 && config_keys[i].kind == CONFIG_SECRET ? i : -1;
}

static int config_unknown(Str key, Str source, Error *err)
{
    Str shown = str_shown(key, 80);
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < N_KEYS; i++) {
        size_t distance = config_edit_distance(shown, str_from(config_keys[i].name));
        if (distance < best) {
            best = distance;
            nearest = config_keys[i].name;
        }
    }
    if (nearest && best <= shown.len / 3 + 1)
        return err_set(err, ERR_CONFIG, "%.*s: unknown key \"%.*s\"; did you mean \"%s\"?", STR_ARG(source),
                       STR_ARG(shown), nearest);
    return err_set(err, ERR_CONFIG, "%.*s: unknown key \"%.*s\"; `lakehouse config show` lists all keys",
                   STR_ARG(source), STR_ARG(shown));
}

static int config_store(Config *config, size_t i, Str value, Str source, Error *err)
{
    int64_t number = 0;
    if (config_value_check(&config_keys[i], value, &number, err) < 0)
        return err_prefix(err, "%.*s: %s", STR_ARG(source), config_keys[i].name);
    config->values[i].text = arena_str(config->arena, value);
    config->values[i].source = arena_str(config->arena, source);
    config->numbers[i] = number;
    return arena_check(config->arena, err);
}

/* A path, or the bare name of a systemd credential. */
static int secret_path(Str value, char *out, size_t out_size, Error *err)
{
    const char *folder = NULL;
    if (value.len == 0 || memchr(value.ptr, '\0', value.len))
        return err_set(err, ERR_CONFIG, "expected a path or the name of a systemd credential");
    if (str_find_char(value, '/') < 0) {
        folder = getenv("CREDENTIALS_DIRECTORY");
        if (!folder || !*folder)
            return err_set(err, ERR_CONFIG, "\"%.*s\" is the name of a systemd credential, but "
                           "CREDENTIALS_DIRECTORY is not set; give a path with a \"/\" for a file",
                           STR_ARG(str_shown(value, 80)));
    }
    int n = snprintf(out, out_size, "%s%s%.*s", folder ? folder : "", folder ? "/" : "", STR_ARG(value));
    if (n < 0 || (size_t)n >= out_size)
        return err_set(err, ERR_CONFIG, "the path of the file is too long");
    return 0;
}

static void wipe(Buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->cap);
    buf_free(buf);
}

static int config_set_from_file(Config *config, size_t i, Str value, Str source, Error *err)
{
    char path[4096];
    __attribute__((cleanup(wipe))) Buf content = BUF_INIT(CONFIG_SECRET_BYTES);
    if (secret_path(value, path, sizeof path, err) < 0 ||
        fs_read_file(path, CONFIG_SECRET_BYTES, &content, err) < 0) {
        if (err)
            err->code = ERR_CONFIG;
        return err_prefix(err, "%.*s: %s_file", STR_ARG(source), config_keys[i].name);
    }
    Str secret = buf_str(&content);     /* editors and `echo` end it in a newline that is not part of it */
    if (str_has_suffix(secret, STR("\n")))
        secret.len--;
    if (str_has_suffix(secret, STR("\r")))
        secret.len--;
    Str where = arena_printf(config->arena, "%.*s (%s)", STR_ARG(source), path);
    return config_store(config, i, secret, where, err);
}

int config_set(Config *config, Str key, Str value, Str source, Error *err)
{
    ptrdiff_t i = config_find(key);
    if (i >= 0)
        return config_store(config, (size_t)i, value, source, err);
    i = config_find_file(key);
    if (i >= 0)
        return config_set_from_file(config, (size_t)i, value, source, err);
    return config_unknown(key, source, err);
}

/* "LAKEHOUSE_STORAGE__ROOT_USER" to "storage.root_user"; false when it is not of that form. */
static bool key_of_variable(Str name, char out[CONFIG_VARIABLE_MAX], Str *ret_key)
{
    static const struct { const char *name, *key; } aliases[] = {
        { "LAKEHOUSE_ROOT_USER", "storage.root_user" },
        { "LAKEHOUSE_ROOT_USER_FILE", "storage.root_user_file" },
        { "LAKEHOUSE_ROOT_PASSWORD", "storage.root_password" },
        { "LAKEHOUSE_ROOT_PASSWORD_FILE", "storage.root_password_file" },
    };
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (str_is(name, aliases[i].name)) {
            *ret_key = str_from(aliases[i].key);
            return true;
        }
    const Str prefix = STR("LAKEHOUSE_");
    if (!str_has_prefix(name, prefix))
        return false;
    Str rest = str_slice(name, prefix.len, name.len);
    ptrdiff_t at = str_find(rest, STR("__"));
    if (at <= 0 || (size_t)at + 2 >= rest.len || rest.len > CONFIG_VARIABLE_MAX)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < rest.len; i++) {
        char c = rest.ptr[i];
        if (i == (size_t)at) {
            c = '.';
            i++;
        }
        out[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    *ret_key = str_of(out, n);
    return true;
}

static bool has_variable_of_key(Str key, bool alias)
{
    for (char **variable = environ; variable && *variable; variable++) {
        char text[CONFIG_VARIABLE_MAX];
        Str value, other;
        Str name = str_cut(str_from(*variable), '=', &value);
        bool is_alias = str_find(name, STR("__")) < 0;
        if (is_alias == alias && key_of_variable(name, text, &other) && str_eq(key, other))
            return true;
    }
    return false;
}

/* KEY and KEY_FILE together have no order between them. */
static int check_not_both(Str name, Str key, Error *err)
{
    ptrdiff_t i = config_find_file(key);
    bool alias = str_find(name, STR("__")) < 0;
    if (i >= 0 && config_find(key) < 0 && has_variable_of_key(str_from(config_keys[i].name), alias))
        return err_set(err, ERR_CONFIG, "%.*s and %.*s are both set; give one of them", STR_ARG(name),
                       (int)(name.len - strlen("_FILE")), name.ptr);
    return 0;
}

int config_apply_environment(Config *config, Error *err)
{
    /* The aliases first: where both are set, the name that says the section is meant. */
    for (int pass = 0; pass < 2; pass++)
        for (char **variable = environ; variable && *variable; variable++) {
            char text[CONFIG_VARIABLE_MAX];
            Str value, key;
            Str name = str_cut(str_from(*variable), '=', &value);
            bool alias = str_find(name, STR("__")) < 0;
            if (!value.ptr || alias != (pass == 0) || !key_of_variable(name, text, &key))
                continue;
            if (check_not_both(name, key, err) < 0 || config_set(config, key, value, name, err) < 0)
                return -1;
        }
    return 0;
}

static size_t config_index(const char *key)
{
    ptrdiff_t i = config_find(str_from(key));
    assert(i >= 0);
    return (size_t)i;
}

Str config_str(const Config *config, const char *key)
{
    return config->values[config_index(key)].text;
}

int64_t config_int(const Config *config, const char *key)
{
    size_t i = config_index(key);
    assert(config_keys[i].kind == CONFIG_INT || config_keys[i].kind == CONFIG_SIZE ||
           config_keys[i].kind == CONFIG_DURATION);
    return config->numbers[i];
}

bool config_bool(const Config *config, const char *key)
{
    size_t i = config_index(key);
    assert(config_keys[i].kind == CONFIG_BOOL);
    return config->numbers[i] != 0;
}

size_t config_count(void)
{
    return N_KEYS;
}

ConfigValue config_at(const Config *config, size_t i)
{
    assert(i < N_KEYS);
    return config->values[i];
}
