/* predicate_match.c - what a predicate selects of a file or manifest, as far as metadata tell.
 *
 * All sources say the same kind of thing of a column: a range that holds all values, and whether there are
 * NULLs and NaNs. Each leaf is decided by one such Domain for each source (partition fields of the column,
 * column metrics); the surest answer counts. */
#include <assert.h>

#include "iceberg/predicate_internal.h"

typedef struct Domain {
    IceRange range;
    bool no_nulls, all_nulls;
    bool no_nans, all_nans; /* of what is not NULL */
} Domain;

/* What leaves are decided by; either `file` or `manifest` is set. */
typedef struct Subject {
    const IcePartitionSpec *spec;
    const IcePartitionType *types; /* with `manifest` */
    const IceDataFile *file;
    const IceManifestFile *manifest;
    bool use_metrics;
    Arena *arena; /* for ranges; made when first needed */
} Subject;

/* --- a leaf and a domain --- */

/* Lies `value` outside of the range? */
static bool is_below(const IceRange *range, const IceValue *value)
{
    return range->has_lower && ice_pred_order(value, &range->lower) < 0;
}

static bool is_above(const IceRange *range, const IceValue *value)
{
    if (!range->has_upper)
        return false;
    int order = ice_pred_order(value, &range->upper);
    return order > 0 || (order == 0 && range->upper_open);
}

static bool is_single(const IceRange *range)
{
    return range->has_lower && range->has_upper && !range->upper_open &&
           ice_pred_order(&range->lower, &range->upper) == 0;
}

/* Of values that are neither NULL nor NaN. */
static IceMatch match_order(const IcePred *pred, const IceRange *range)
{
    const IceValue *literal = &pred->values[0];
    bool below = is_below(range, literal), above = is_above(range, literal); /* the literal, of the range */
    bool at_lower = range->has_lower && ice_pred_order(literal, &range->lower) == 0;
    bool at_upper = range->has_upper && !range->upper_open && ice_pred_order(literal, &range->upper) == 0;
    bool none, all;

    switch (pred->kind) {
    case ICE_PRED_LT:
        none = below || at_lower;
        all = above;
        break;
    case ICE_PRED_LE:
        none = below;
        all = above || at_upper;
        break;
    case ICE_PRED_GT:
        none = above || at_upper;
        all = below;
        break;
    case ICE_PRED_GE:
        none = above;
        all = below || at_lower;
        break;
    case ICE_PRED_EQ:
        none = below || above;
        all = is_single(range) && at_lower;
        break;
    default:
        none = is_single(range) && at_lower;
        all = below || above;
    }
    return none ? ICE_MATCH_NONE : all ? ICE_MATCH_ALL : ICE_MATCH_SOME;
}

static IceMatch match_in(const IcePred *pred, const IceRange *range)
{
    bool inside = false;

    for (size_t i = 0; i < pred->n_values && !inside; i++)
        inside = !is_below(range, &pred->values[i]) && !is_above(range, &pred->values[i]);
    if (!inside)
        return ICE_MATCH_NONE;
    return is_single(range) && ice_pred_has_value(pred, &range->lower) ? ICE_MATCH_ALL : ICE_MATCH_SOME;
}

/* Is `upper`, which does not belong to a range any more, the end of all text that begins with `prefix`? */
static bool ends_prefix(Str upper, Str prefix)
{
    size_t last = prefix.len - 1;

    return prefix.len > 0 && upper.len == prefix.len && memcmp(upper.ptr, prefix.ptr, last) == 0 &&
           (unsigned char)upper.ptr[last] == (unsigned char)prefix.ptr[last] + 1;
}

static IceMatch match_prefix(const IcePred *pred, const IceRange *range)
{
    Str prefix = pred->values[0].bytes;
    Str lower = range->lower.bytes, upper = range->upper.bytes;

    if (range->has_lower && str_cmp(str_slice(lower, 0, prefix.len), prefix) > 0)
        return ICE_MATCH_NONE;
    if (is_above(range, &pred->values[0]))
        return ICE_MATCH_NONE;
    if (range->has_lower && str_has_prefix(lower, prefix) && range->has_upper &&
        (str_has_prefix(upper, prefix) || (range->upper_open && ends_prefix(upper, prefix))))
        return ICE_MATCH_ALL;
    return ICE_MATCH_SOME;
}

static IceMatch opposite(IceMatch match)
{
    return match == ICE_MATCH_NONE  ? ICE_MATCH_ALL
           : match == ICE_MATCH_ALL ? ICE_MATCH_NONE
                                    : ICE_MATCH_SOME;
}

/* Answer for the values of a column that are not NULL and not NaN. */
static IceMatch match_values(const IcePred *pred, const IceRange *range)
{
    switch (pred->kind) {
    case ICE_PRED_NOT_NULL:
    case ICE_PRED_NOT_NAN:
        return ICE_MATCH_ALL;
    case ICE_PRED_IS_NULL:
    case ICE_PRED_IS_NAN:
        return ICE_MATCH_NONE;
    case ICE_PRED_IN:
        return match_in(pred, range);
    case ICE_PRED_NOT_IN:
        return opposite(match_in(pred, range));
    case ICE_PRED_STARTS_WITH:
        return match_prefix(pred, range);
    case ICE_PRED_NOT_STARTS_WITH:
        return opposite(match_prefix(pred, range));
    default:
        return match_order(pred, range);
    }
}

static bool selects_nan(IcePredKind kind)
{
    return kind == ICE_PRED_NE || kind == ICE_PRED_NOT_IN || kind == ICE_PRED_NOT_NULL ||
           kind == ICE_PRED_IS_NAN;
}

/* The answers for the three kinds of values that a column may hold, put together. */
static IceMatch match_domain(const IcePred *pred, const Domain *d)
{
    IceMatch nulls = pred->kind == ICE_PRED_IS_NULL ? ICE_MATCH_ALL : ICE_MATCH_NONE;
    IceMatch nans = selects_nan(pred->kind) ? ICE_MATCH_ALL : ICE_MATCH_NONE;

    if (d->all_nulls)
        return nulls;
    IceMatch match = d->all_nans ? nans : match_values(pred, &d->range);
    if (!d->all_nans && !d->no_nans && nans != match)
        match = ICE_MATCH_SOME;
    if (!d->no_nulls && nulls != match)
        match = ICE_MATCH_SOME;
    return match;
}

/* --- domains --- */

/* Only truncated text needs memory for its range. */
static Arena *range_arena(Subject *s, const IceTransform *transform)
{
    if (!s->arena && transform->kind == ICE_TRANSFORM_TRUNCATE)
        s->arena = arena_new(1 << 20);
    return s->arena;
}

static bool domain_of_metrics(const IcePred *pred, const IceDataFile *file, Domain *d)
{
    const IceColumnMetrics *column = ice_file_column(file, pred->field_id);
    bool is_float = ice_pred_is_float(pred->type);

    if (!column)
        return false;
    *d = (Domain){
        .no_nulls = column->null_count == 0,
        .all_nulls = column->null_count > 0 && column->null_count == column->value_count,
        .no_nans = !is_float || column->nan_count == 0,
        .all_nans = is_float && column->nan_count > 0 && column->null_count >= 0 &&
                    column->nan_count == column->value_count - column->null_count,
    };
    d->range.has_lower = column->lower.ptr &&
                         ice_value_from_bytes(pred->type, column->lower, &d->range.lower, NULL) == 0 &&
                         !ice_value_is_nan(&d->range.lower);
    d->range.has_upper = column->upper.ptr &&
                         ice_value_from_bytes(pred->type, column->upper, &d->range.upper, NULL) == 0 &&
                         !ice_value_is_nan(&d->range.upper);
    return true;
}

static bool is_void(const IceTransform *transform)
{
    return transform->kind == ICE_TRANSFORM_VOID || transform->kind == ICE_TRANSFORM_UNKNOWN;
}

static void domain_of_partition(Subject *s, const IcePred *pred, const IceTransform *transform,
                                const IceValue *value, Domain *d)
{
    *d = (Domain){ .no_nulls = !value->is_null, .all_nulls = value->is_null, .no_nans = true };
    if (value->is_null)
        return;
    if (ice_value_is_nan(value)) {
        d->no_nans = false;
        d->all_nans = true;
        return;
    }
    ice_transform_source_range(transform, pred->type, value, range_arena(s, transform), &d->range);
}

/* False where the summary says nothing. */
static bool domain_of_summary(Subject *s, const IcePred *pred, const IceTransform *transform,
                              const IceType *type, const IceFieldSummary *summary, Domain *d)
{
    IceValue lower, upper;
    IceRange low, high;
    bool has_bounds = summary->lower.ptr && summary->upper.ptr;
    bool no_nans = !ice_pred_is_float(pred->type) || summary->contains_nan == 0;

    *d = (Domain){ .no_nulls = !summary->contains_null, .no_nans = no_nans };
    if (!has_bounds) {
        d->all_nulls = summary->contains_null && no_nans;
        d->all_nans = !summary->contains_null && summary->contains_nan == 1;
        return d->all_nulls || d->all_nans;
    }
    if (ice_value_from_bytes(type, summary->lower, &lower, NULL) < 0 || ice_value_is_nan(&lower) ||
        ice_value_from_bytes(type, summary->upper, &upper, NULL) < 0 || ice_value_is_nan(&upper))
        return false;
    ice_transform_source_range(transform, pred->type, &lower, range_arena(s, transform), &low);
    ice_transform_source_range(transform, pred->type, &upper, range_arena(s, transform), &high);
    d->range = (IceRange){ low.has_lower, high.has_upper, high.upper_open, low.lower, high.upper };
    return true;
}

/* --- buckets: only equality says something --- */

static IceMatch match_bucket(const IcePred *pred, const IceTransform *transform, int64_t from, int64_t to)
{
    if (pred->kind != ICE_PRED_EQ && pred->kind != ICE_PRED_IN)
        return ICE_MATCH_SOME;
    for (size_t i = 0; i < pred->n_values; i++) {
        IceValue literal, bucket;
        if (!ice_value_convert(&pred->values[i], pred->type, &literal))
            continue; /* no value of the column equals it */
        if (ice_transform_apply(transform, &literal, &bucket, NULL) < 0 ||
            (bucket.i64 >= from && bucket.i64 <= to))
            return ICE_MATCH_SOME;
    }
    return ICE_MATCH_NONE;
}

/* --- leaves and trees --- */

static IceMatch surest(IceMatch a, IceMatch b) { return a == ICE_MATCH_SOME ? b : a; }

static IceMatch match_field_of_file(Subject *s, const IcePred *pred, size_t index)
{
    const IceTransform *transform = &s->spec->fields[index].transform;
    const IceValue *value = &s->file->partition[index];
    Domain domain;

    domain_of_partition(s, pred, transform, value, &domain);
    IceMatch match = match_domain(pred, &domain);
    if (transform->kind == ICE_TRANSFORM_BUCKET && !value->is_null && match == ICE_MATCH_SOME)
        match = match_bucket(pred, transform, value->i64, value->i64);
    return match;
}

static IceMatch match_field_of_manifest(Subject *s, const IcePred *pred, size_t index)
{
    const IceTransform *transform = &s->spec->fields[index].transform;
    const IceFieldSummary *summary = &s->manifest->partitions[index];
    const IceType *type = s->types->types[index];
    IceValue lower, upper;
    Domain domain;

    if (type->id == ICE_UNKNOWN || !domain_of_summary(s, pred, transform, type, summary, &domain))
        return ICE_MATCH_SOME;
    IceMatch match = match_domain(pred, &domain);
    if (transform->kind == ICE_TRANSFORM_BUCKET && match == ICE_MATCH_SOME && summary->lower.ptr &&
        ice_value_from_bytes(type, summary->lower, &lower, NULL) == 0 &&
        ice_value_from_bytes(type, summary->upper, &upper, NULL) == 0)
        match = match_bucket(pred, transform, lower.i64, upper.i64);
    return match;
}

static IceMatch match_leaf(Subject *s, const IcePred *pred)
{
    IceMatch match = ICE_MATCH_SOME;
    Domain domain;
    size_t n = s->file ? s->file->n_partition : s->manifest->n_partitions;

    if (n > s->spec->n_fields)
        n = s->spec->n_fields;
    for (size_t i = 0; i < n && match == ICE_MATCH_SOME; i++) {
        if (s->spec->fields[i].source_id != pred->field_id || is_void(&s->spec->fields[i].transform))
            continue;
        match =
            surest(match, s->file ? match_field_of_file(s, pred, i) : match_field_of_manifest(s, pred, i));
    }
    if (match == ICE_MATCH_SOME && s->use_metrics && domain_of_metrics(pred, s->file, &domain))
        match = match_domain(pred, &domain);
    return match;
}

static IceMatch match_tree(Subject *s, const IcePred *pred)
{
    if (pred->kind == ICE_PRED_FALSE)
        return ICE_MATCH_NONE;
    if (pred->kind == ICE_PRED_TRUE)
        return ICE_MATCH_ALL;
    if (pred->kind == ICE_PRED_OPAQUE)
        return ICE_MATCH_SOME;
    if (pred->kind != ICE_PRED_AND && pred->kind != ICE_PRED_OR)
        return match_leaf(s, pred);
    IceMatch dominant = pred->kind == ICE_PRED_AND ? ICE_MATCH_NONE : ICE_MATCH_ALL;
    IceMatch result = opposite(dominant);
    for (size_t i = 0; i < pred->n_children; i++) {
        IceMatch match = match_tree(s, pred->children[i]);
        if (match == dominant)
            return dominant;
        if (match == ICE_MATCH_SOME)
            result = ICE_MATCH_SOME;
    }
    return result;
}

static IceMatch match(Subject s, const IcePred *pred)
{
    IceMatch result = match_tree(&s, pred);

    arena_free(s.arena);
    return result;
}

IceMatch ice_pred_match_file(const IcePred *pred, const IceDataFile *file, const IcePartitionSpec *spec)
{
    assert(file->spec_id == spec->spec_id);
    return match((Subject){ .spec = spec, .file = file, .use_metrics = true }, pred);
}

IceMatch ice_pred_match_partition(const IcePred *pred, const IceDataFile *file,
                                  const IcePartitionSpec *spec)
{
    assert(file->spec_id == spec->spec_id);
    return match((Subject){ .spec = spec, .file = file }, pred);
}

IceMatch ice_pred_match_manifest(const IcePred *pred, const IceManifestFile *manifest,
                                 const IcePartitionType *types)
{
    assert(manifest->spec_id == types->spec->spec_id);
    return match((Subject){ .spec = types->spec, .types = types, .manifest = manifest }, pred);
}
