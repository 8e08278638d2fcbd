/* predicate.h - the part of a WHERE that metadata can decide.
 *
 * A predicate is a tree over field ids with SQL's meaning: a row is selected when the predicate is true; a
 * comparison with NULL is neither true nor false. NaN: `=` and the four orders are false, `<>` is true
 * (Trino's). What the caller cannot express is ice_pred_opaque(), which may be anything.
 *
 * Builders return trees without NOT (it is pushed down while building) and with constants folded; they never
 * fail. A literal must be of the column's type (ice_value_convert()); else the leaf is opaque. Everything
 * lives in the arena, literals borrow.
 *
 * A predicate is put to a file, or to a whole manifest, and answers whether it selects none, some or all of
 * its rows. NONE and ALL are certain; SOME means unknown. */
#pragma once

#include "iceberg/manifest.h"

typedef enum IcePredKind {
    ICE_PRED_FALSE,
    ICE_PRED_TRUE,
    ICE_PRED_OPAQUE,
    ICE_PRED_AND,
    ICE_PRED_OR,
    ICE_PRED_EQ,
    ICE_PRED_NE,
    ICE_PRED_LT,
    ICE_PRED_LE,
    ICE_PRED_GT,
    ICE_PRED_GE,
    ICE_PRED_IN,
    ICE_PRED_NOT_IN,
    ICE_PRED_IS_NULL,
    ICE_PRED_NOT_NULL,
    ICE_PRED_IS_NAN,
    ICE_PRED_NOT_NAN,
    ICE_PRED_STARTS_WITH,
    ICE_PRED_NOT_STARTS_WITH,
} IcePredKind;

typedef struct IcePred IcePred;
struct IcePred {
    IcePredKind kind;
    int32_t field_id;    /* leaves */
    const IceType *type; /* of the field */
    /* one for comparisons and STARTS_WITH; sorted, distinct and not null for IN and NOT_IN */
    const IceValue *values;
    size_t n_values;
    const IcePred *const *children; /* AND, OR */
    size_t n_children;
};

const IcePred *ice_pred_true(void);
const IcePred *ice_pred_false(void);
const IcePred *ice_pred_opaque(void);
const IcePred *ice_pred_and(Arena *arena, const IcePred *const *children, size_t n);
const IcePred *ice_pred_or(Arena *arena, const IcePred *const *children, size_t n);
const IcePred *ice_pred_and2(Arena *arena, const IcePred *a, const IcePred *b);
const IcePred *ice_pred_or2(Arena *arena, const IcePred *a, const IcePred *b);
const IcePred *ice_pred_not(Arena *arena, const IcePred *child);
/* kind: EQ, NE, LT, LE, GT, GE, STARTS_WITH, NOT_STARTS_WITH. With a null literal it selects nothing,
 * negated too. */
const IcePred *ice_pred_compare(Arena *arena, IcePredKind kind, const IceField *field, IceValue literal);
/* kind: IS_NULL, NOT_NULL, IS_NAN, NOT_NAN */
const IcePred *ice_pred_unary(Arena *arena, IcePredKind kind, const IceField *field);
/* With NULL among the literals NOT IN selects nothing. */
const IcePred *ice_pred_in(Arena *arena, const IceField *field, const IceValue *literals, size_t n,
                           bool negated);

typedef enum IceMatch { ICE_MATCH_NONE, ICE_MATCH_SOME, ICE_MATCH_ALL } IceMatch;

/* By partition values and column metrics of a data file. */
IceMatch ice_pred_match_file(const IcePred *pred, const IceDataFile *file, const IcePartitionSpec *spec);
/* By partition values alone, for data and delete files: ALL means that the file can be dropped whole
 * (metadata delete) whatever its metrics say. */
IceMatch ice_pred_match_partition(const IcePred *pred, const IceDataFile *file,
                                  const IcePartitionSpec *spec);
/* By the partition summaries of the manifest list. */
IceMatch ice_pred_match_manifest(const IcePred *pred, const IceManifestFile *manifest,
                                 const IcePartitionType *types);
/* One row: `value_of` gives the value of a field. */
typedef IceValue (*IceValueOf)(void *arg, int32_t field_id);
bool ice_pred_match_row(const IcePred *pred, IceValueOf value_of, void *arg);

/* The REST form of a filter (expressions-spec.md and the older term form), whose logic has two values: the
 * tree gets the IS NULL and IS NAN that make it mean the same here. Transforms and functions become opaque.
 * ERR_BAD_REQUEST: unknown field or form. */
int ice_pred_from_json(const Json *json, const IceSchema *schema, bool case_sensitive, Arena *arena,
                       const IcePred **ret, Error *err);
