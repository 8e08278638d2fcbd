/* config.h - the configuration: keys, layers, where each value came from.
 *
 * Layers in rising priority: the default in config.def, lakehouse.yaml, env/<name>, LAKEHOUSE_SECTION__KEY,
 * --set section.key=value. Only keys of config.def exist; an unknown key is ERR_CONFIG with the nearest known
 * one named. A key of kind SECRET may also be given as KEY_file (a path, or a systemd credential by its bare
 * name) and is never printed. A Config is immutable after it was loaded; strings live as long as it does. */
#pragma once

#include "base/arena.h"

typedef struct Config Config;

typedef enum ConfigKind {
    CONFIG_STRING,
    CONFIG_INT,
    CONFIG_BOOL,
    CONFIG_SIZE,
    CONFIG_DURATION,
    CONFIG_SECRET
} ConfigKind;

typedef struct ConfigKey {
    const char *name;           /* "storage.region" */
    ConfigKind kind;
    const char *default_value;  /* NULL: none */
    const char *help;
} ConfigKey;

typedef struct ConfigValue {
    const ConfigKey *key;
    Str text;                   /* ptr NULL: not set */
    Str source;                 /* "default", "lakehouse.yaml:3", "LAKEHOUSE_STORAGE__REGION", "--set" */
} ConfigValue;

Config *config_new(void);
void config_free(Config *config);
/* Sets a value from one layer; higher layers must be applied later. ERR_CONFIG: unknown key or malformed
 * value. */
int config_set(Config *config, Str key, Str value, Str source, Error *err);
int config_apply_environment(Config *config, Error *err);       /* LAKEHOUSE_SECTION__KEY and ..._FILE */

/* The key must be in config.def (assert). Values were checked when set. */
Str config_str(const Config *config, const char *key);          /* ptr NULL when not set */
int64_t config_int(const Config *config, const char *key); /* INT; SIZE in bytes; DURATION in milliseconds */
bool config_bool(const Config *config, const char *key);
size_t config_count(void);
ConfigValue config_at(const Config *config, size_t i);          /* in the order of config.def */
