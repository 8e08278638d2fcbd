/* avro_internal.h - what the avro_*.c files share. */
#pragma once

#include "format/avro.h"

int avro_schema_parse(const Json *json, Arena *arena, const AvroSchema **ret, Error *err);

/* Decompresses one block into `out`, which is cleared first. On failure *ret_what says what was wrong. */
typedef struct AvroInflater AvroInflater;
AvroInflater *avro_inflater_new(Str codec); /* NULL: no such codec */
void avro_inflater_free(AvroInflater *inflater);
int avro_inflate(AvroInflater *inflater, Str block, Buf *out, const char **ret_what);
