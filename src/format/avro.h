/* avro.h - Avro object container files, read and written, with every attribute that a schema carries.
 *
 * Reading: avro_open() parses the header, avro_next_block() gives the decompressed records of one block, and
 * the avro_get_* functions decode them by the writer's schema. Like a Thrift reader (thrift.h) the decoder
 * fails late: past the first fault all values are 0 and empty, loops end, and `failed` says what was wrong.
 * Codecs: null, deflate, snappy, zstandard.
 *
 * Writing: AvroWriter takes the schema as JSON text and metadata pairs, the caller encodes records with
 * avro_put_*.
 *
 * Every length and count in a file is checked against what is left of it. Not thread-safe.
 * Errors: ERR_CORRUPT, naming file and place.
 * Source: Apache Avro 1.11 specification, "Object Container Files". */
#pragma once

#include "format/json.h"

typedef enum AvroType {
    AVRO_NULL,
    AVRO_BOOLEAN,
    AVRO_INT,
    AVRO_LONG,
    AVRO_FLOAT,
    AVRO_DOUBLE,
    AVRO_BYTES,
    AVRO_STRING,
    AVRO_FIXED,
    AVRO_ENUM,
    AVRO_ARRAY,
    AVRO_MAP,
    AVRO_RECORD,
    AVRO_UNION,
} AvroType;

enum {
    AVRO_MAX_BLOCK_BYTES =
        256 << 20, /* of one block, decompressed; writers make them of 16 KiB to a few MiB */
    AVRO_MAX_SCHEMA_BYTES = 16 << 20,
    AVRO_MAX_SCHEMA_TYPES = 50000,
};

typedef struct AvroSchema AvroSchema;

typedef struct AvroField {
    Str name;
    int32_t field_id; /* attribute "field-id"; -1: none */
    const AvroSchema *type;
    const Json *json; /* all attributes of the field */
} AvroField;

struct AvroSchema {
    AvroType type;
    Str name;                          /* record, fixed, enum */
    Str logical_type;                  /* empty: none */
    int32_t element_id;                /* arrays; -1: none */
    int32_t precision, scale;          /* logical type decimal */
    bool adjust_to_utc;                /* logical types timestamp-* */
    size_t size;                       /* fixed: bytes; enum: symbols */
    const AvroField *fields;           /* record */
    const AvroSchema *const *branches; /* union */
    size_t n;                          /* fields or branches */
    const AvroSchema *items;           /* array: items; map: values */
};

/* --- reading --- */

typedef struct AvroReader {
    const uint8_t *start, *p, *end;
    const char *failed; /* static; NULL while all is well */
    unsigned depth;
} AvroReader;

typedef struct AvroFile AvroFile;

/* `bytes` must stay valid until avro_close(); `name` is for messages. The schema lives in the arena. */
int avro_open(Str bytes, Str name, Arena *arena, AvroFile **ret, Error *err);
void avro_close(AvroFile *file); /* NULL is fine */
void avro_closep(AvroFile **file);
const AvroSchema *avro_schema(const AvroFile *file);
Str avro_metadata(const AvroFile *file, Str key); /* ptr NULL when absent; borrows from the bytes */

/* The next block. Sets *ret_n_records (0: the file is at its end). The reader's bytes are valid until the
 * next call. */
int avro_next_block(AvroFile *file, AvroReader *ret, int64_t *ret_n_records, Error *err);
/* ERR_CORRUPT with the file, the place and reader->failed. */
int avro_corrupt(const AvroFile *file, const AvroReader *reader, Error *err);

void avro_fail(AvroReader *r, const char *what);
bool avro_get_boolean(AvroReader *r);
int64_t avro_get_long(AvroReader *r); /* int too */
float avro_get_float(AvroReader *r);
double avro_get_double(AvroReader *r);
Str avro_get_bytes(AvroReader *r);              /* bytes and string; borrows */
Str avro_get_fixed(AvroReader *r, size_t size); /* borrows */
/* The branch of a union that follows; any other schema is returned as it is. Never NULL. */
const AvroSchema *avro_get_branch(AvroReader *r, const AvroSchema *schema);
void avro_skip(AvroReader *r, const AvroSchema *schema);

/* Items of an array or pairs of a map: `AvroItems items = { 0 }; while (avro_next_item(r, &items)) ...` */
typedef struct AvroItems {
    int64_t left;
} AvroItems;
bool avro_next_item(AvroReader *r, AvroItems *items);

/* The schema without its null branch, and whether it had one. NULL for a union of several others. */
const AvroSchema *avro_nullable(const AvroSchema *schema, bool *ret_is_nullable);

/* --- writing --- */

typedef enum AvroCodec { AVRO_CODEC_NULL, AVRO_CODEC_DEFLATE } AvroCodec;
typedef struct AvroPair {
    Str key, value;
} AvroPair;
typedef struct AvroWriter AvroWriter;

/* Writes the header to `out` at once. `sync` is the marker between blocks: 16 random bytes. */
AvroWriter *avro_writer_new(Buf *out, Str schema_json, const AvroPair *metadata, size_t n_metadata,
                            AvroCodec codec, const uint8_t sync[16]);
void avro_writer_free(AvroWriter *w);   /* NULL is fine */
Buf *avro_writer_record(AvroWriter *w); /* where the next record is encoded to */
void avro_writer_end_record(AvroWriter *w);
size_t avro_writer_pending(const AvroWriter *w);   /* bytes not yet in `out`, uncompressed */
int avro_writer_finish(AvroWriter *w, Error *err); /* ERR_LIMIT when `out` is over its maximum */

void avro_put_long(Buf *out, int64_t value); /* int too */
void avro_put_boolean(Buf *out, bool value);
void avro_put_float(Buf *out, float value);
void avro_put_double(Buf *out, double value);
void avro_put_bytes(Buf *out, Str bytes); /* bytes and string */
