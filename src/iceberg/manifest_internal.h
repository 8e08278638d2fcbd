/* manifest_internal.h - what the manifest_*.c files share. */
#pragma once

#include "format/avro.h"
#include "iceberg/manifest.h"

enum {
    MANIFEST_MAX_LIST_ENTRIES =
        10000000, /* of one manifest list; a table of that many manifests cannot be planned */
    MANIFEST_DEFAULT_BYTES = 1 << 30, /* memory for one decoded manifest */
    MANIFEST_LIST_BYTES = 1 << 30,    /* of one manifest list that is written */
};

/* Field ids for writers that left them out, by name. The table ends with a NULL name. */
typedef struct FieldName {
    const char *name;
    int32_t id;
} FieldName;
int32_t manifest_field_id(const AvroField *field, const FieldName *names);

/* A value or null; null and a wrong type give false, the latter is a fault of the reader. */
bool manifest_get_long(AvroReader *r, const AvroSchema *schema, int64_t *ret);
bool manifest_get_bytes(AvroReader *r, const AvroSchema *schema, Str *ret);
bool manifest_get_boolean(AvroReader *r, const AvroSchema *schema, bool *ret);
/* A value of a partition field as the Avro schema has it. Borrows from the reader's bytes. */
IceValue manifest_get_value(AvroReader *r, const AvroSchema *schema);

/* Avro schemas as JSON text. */
Str manifest_list_schema(int format_version, Arena *arena);
int manifest_entry_schema(int format_version, const IcePartitionType *types, Arena *arena, Str *ret,
                          Error *err);
/* Optional values: a union of null and the type. */
void manifest_put_value(Buf *out, const IceType *type, const IceValue *value);
void manifest_put_optional_bytes(Buf *out, Str bytes);    /* ptr NULL: null */
void manifest_put_optional_long(Buf *out, int64_t value); /* negative: null */
/* Bytes of a decimal's fixed Avro form. */
int manifest_decimal_size(int precision);
