/* config_load.h - the layers of the configuration, in their order: lakehouse.yaml, env/<name>, environment,
 * --set. */
#pragma once

#include "app/options.h"
#include "base/config.h"

/* The options that every command with a configuration takes; put into its table. */
#define CONFIG_OPTIONS \
    { "data", 'd', "DIR", "data folder (default ./data)", false }, \
    { "config", 'c', "FILE", "configuration file (default ./lakehouse.yaml when it is there)", false }, \
    { "env", 0, "NAME", "layer env/NAME/lakehouse.yaml on top", false }, \
    { "set", 0, "KEY=VALUE", "set one configuration key; highest priority", true }

int config_load(const Parsed *parsed, Config **ret, Error *err);
/* The absolute form of the configured data folder, which need not exist yet. */
Str config_data_dir(const Config *config, Arena *arena);
