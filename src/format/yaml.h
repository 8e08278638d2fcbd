/* yaml.h - YAML documents to a tree, over libyaml's events.
 *
 * One document; anchors, aliases, tags and duplicate keys are refused (they have no use in our files and
 * bombs are made of them). Scalars keep their text and whether they were plain, so that the reader of a file
 * decides what is a number. Every node knows its place. Errors: ERR_CONFIG "file:line:column: what". */
#pragma once

#include "base/arena.h"

typedef enum YamlKind { YAML_NODE_NULL, YAML_NODE_SCALAR, YAML_NODE_SEQUENCE, YAML_NODE_MAPPING } YamlKind;

typedef struct YamlNode YamlNode;
typedef struct YamlEntry { Str key; int line; const YamlNode *value; } YamlEntry;
struct YamlNode {
    YamlKind kind;
    int line, column;             /* 1-based */
    Str text;                     /* scalar */
    bool plain;                   /* scalar without quotes */
    const YamlNode *const *items; /* sequence */
    const YamlEntry *entries;     /* mapping, in order */
    size_t n;
};

enum { YAML_MAX_DEPTH = 32, YAML_MAX_NODES = 100000 };

/* `name` is the file's, for messages. An empty document is a node of kind NULL. */
int yaml_parse(Str text, const char *name, Arena *arena, const YamlNode **ret, Error *err);
const YamlNode *yaml_get(const YamlNode *mapping, const char *key);
