#include "app/config_load.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "format/yaml.h"

static int apply_mapping(Config *config, const char *file, Str prefix, const YamlNode *mapping, Arena *arena,
                         Error *err)
{
    for (size_t i = 0; i < mapping->n; i++) {
        const YamlEntry *e = &mapping->entries[i];
        Str key = prefix.len ? arena_printf(arena, "%.*s.%.*s", STR_ARG(prefix), STR_ARG(e->key)) : e->key;
        if (e->value->kind == YAML_NODE_MAPPING) {
            if (apply_mapping(config, file, key, e->value, arena, err))
                return -1;
            continue;
        }
        if (e->value->kind == YAML_NODE_SEQUENCE)
            return err_set(err, ERR_CONFIG, "%s:%d: %.*s takes one value, not a list", file, e->line,
                           STR_ARG(key));
        if (e->value->kind == YAML_NODE_NULL)
            continue;
        Str source = arena_printf(arena, "%s:%d", file, e->line);
        if (config_set(config, key, e->value->text, source, err))
            return err_prefix(err, "%s:%d", file, e->line);
    }
    return 0;
}

static int apply_file(Config *config, const char *path, Arena *arena, Error *err)
{
    _cleanup_buf_ Buf text = BUF_INIT(LIMIT_CONFIG_BYTES);
    const YamlNode *root;
    if (fs_read_file(path, LIMIT_CONFIG_BYTES, &text, err))
        return err_set(err, ERR_CONFIG, "cannot read the configuration file %s", path);
    if (yaml_parse(buf_str(&text), path, arena, &root, err))
        return -1;
    if (root->kind == YAML_NODE_NULL)
        return 0;
    if (root->kind != YAML_NODE_MAPPING)
        return err_set(err, ERR_CONFIG, "%s:%d: expected sections with keys", path, root->line);
    return apply_mapping(config, path, STR_NULL, root, arena, err);
}

static int apply_layers(Config *config, const Parsed *parsed, Error *err)
{
    Arena *arena = parsed->arena;
    const char *file = option_value(parsed, "config");
    if (file ? apply_file(config, file, arena, err)
             : fs_exists("lakehouse.yaml") && apply_file(config, "lakehouse.yaml", arena, err))
        return -1;
    const char *env = option_value(parsed, "env");
    if (env && apply_file(config, arena_printf(arena, "env/%s/lakehouse.yaml", env).ptr, arena, err))
        return -1;
    if (config_apply_environment(config, err))
        return -1;
    size_t position = 0;
    for (const char *set; (set = option_next(parsed, "set", &position));) {
        Str value, key = str_cut(str_from(set), '=', &value);
        if (!value.ptr)
            return err_set(err, ERR_CONFIG, "--set %s: expected KEY=VALUE", set);
        if (config_set(config, key, value, STR("--set"), err))
            return err_prefix(err, "--set %s", set);
    }
    const char *data = option_value(parsed, "data");
    return data ? config_set(config, STR("data"), str_from(data), STR("--data"), err) : 0;
}

int config_load(const Parsed *parsed, Config **ret, Error *err)
{
    Config *config = config_new();
    if (apply_layers(config, parsed, err)) {
        config_free(config);
        return -1;
    }
    *ret = config;
    return 0;
}

Str config_data_dir(const Config *config, Arena *arena)
{
    Str dir = config_str(config, "data");
    while (dir.len > 1 && dir.ptr[dir.len - 1] == '/')
        dir.len--;
    while (str_has_prefix(dir, STR("./")))
        dir = str_slice(dir, 2, dir.len);
    if (dir.len && dir.ptr[0] == '/')
        return arena_str(arena, dir);
    char cwd[4096];
    if (!getcwd(cwd, sizeof cwd))
        cwd[0] = '\0';
    return dir.len == 0 || str_is(dir, ".") ? arena_printf(arena, "%s", cwd)
                                            : arena_printf(arena, "%s/%.*s", cwd, STR_ARG(dir));
}
