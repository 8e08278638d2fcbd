/* iceberg_predicate.c - what WHERE says of a table's columns, as a predicate that file statistics can decide.
 *
 * Anything that is not understood is opaque: it prunes nothing, and the whole WHERE runs afterwards anyway. A
 * column may be seen through a coercion or cast only where that keeps order and equality (integer to bigint,
 * date to timestamp). */
#include <math.h>

#include "base/clock.h"
#include "query/analyzer/internal.h"
#include "query/connector/iceberg_scan.h"
#include "query/connector/sql_text.h"

typedef struct Converter {
    StatementContext *context;
    const Relation *relation;
    const IceSchema *schema;
    Arena *arena;
    bool has_column; /* scratch of is_constant() */
} Converter;

static const IcePred *convert(Converter *c, const Expr *e);

/* ---- columns ---- */

static bool is_widening(const SqlType *from, const SqlType *to)
{
    if (sql_type_equal(from, to))
        return true;
    switch (from->kind) {
    case TYPE_INTEGER:
        return to->kind == TYPE_BIGINT || to->kind == TYPE_DOUBLE ||
               (to->kind == TYPE_DECIMAL && to->precision - to->scale >= 10);
    case TYPE_BIGINT:
        return to->kind == TYPE_DECIMAL && to->precision - to->scale >= 19;
    case TYPE_REAL:
        return to->kind == TYPE_DOUBLE;
    case TYPE_DECIMAL:
        return to->kind == TYPE_DECIMAL && to->scale >= from->scale &&
               to->precision - to->scale >= from->precision - from->scale;
    case TYPE_VARCHAR:
        return to->kind == TYPE_VARCHAR && to->length >= from->length;
    case TYPE_DATE:
        return to->kind == TYPE_TIMESTAMP;
    case TYPE_TIMESTAMP:
        return to->kind == TYPE_TIMESTAMP && to->precision >= from->precision;
    case TYPE_TIMESTAMP_TZ:
        return to->kind == TYPE_TIMESTAMP_TZ && to->precision >= from->precision;
    default:
        return false;
    }
}

/* The column under coercions that keep order. `types`: of the value that is compared. */
static const IceField *column_of(Converter *c, const Expr *e)
{
    if (e->coerced && e->type && !is_widening(e->type, e->coerced))
        return NULL;
    if (e->kind == EXPR_CAST && !e->cast.is_try && e->cast.resolved) {
        const Expr *inner = e->cast.operand;
        return inner->type && is_widening(inner->type, e->cast.resolved) ? column_of(c, inner) : NULL;
    }
    if (e->kind != EXPR_COLUMN || e->column.ref.relation != c->relation || e->column.ref.index < 0 ||
        (size_t)e->column.ref.index >= c->schema->n_fields)
        return NULL;
    const IceField *field = &c->schema->fields[e->column.ref.index];
    return ice_type_is_primitive(field->type) ? field : NULL;
}

/* CAST(timestamp column AS date), date(timestamp column). */
static const IceField *date_of_timestamp(Converter *c, const Expr *e)
{
    const Expr *inner = NULL;
    if (e->kind == EXPR_CAST && e->cast.resolved && e->cast.resolved->kind == TYPE_DATE)
        inner = e->cast.operand;
    else if (e->kind == EXPR_FUNCTION && e->call.n == 1 && e->call.name.n == 1 &&
             str_eq_nocase(e->call.name.parts[0].text, STR("date")))
        inner = e->call.args[0];
    if (!inner || (e->coerced && e->coerced->kind != TYPE_DATE))
        return NULL;
    const IceField *field = column_of(c, inner);
    return field && field->type->id == ICE_TIMESTAMP ? field : NULL;
}

/* ---- constants ---- */

static void look_for_column(Expr *e, void *arg)
{
    Converter *c = arg;
    if (e->kind == EXPR_COLUMN || e->kind == EXPR_SUBQUERY || e->kind == EXPR_EXISTS ||
        e->kind == EXPR_IN_SUBQUERY || e->kind == EXPR_QUANTIFIED)
        c->has_column = true;
    expr_children(e, look_for_column, c);
}

static bool is_constant(Converter *c, const Expr *e)
{
    c->has_column = false;
    look_for_column((Expr *)e, c);
    return !c->has_column;
}

static bool value_of_json(const Json *json, const SqlType *type, Arena *arena, IceValue *ret)
{
    static const IceTypeId integers[] = {[TYPE_DATE] = ICE_DATE,
                                         [TYPE_TIMESTAMP] = ICE_TIMESTAMP,
                                         [TYPE_TIMESTAMP_TZ] = ICE_TIMESTAMPTZ,
                                         [TYPE_TIME] = ICE_TIME};
    __int128 unscaled;
    bool integral = type->kind >= TYPE_TINYINT && type->kind <= TYPE_BIGINT;
    if (json_is_null(json)) {
        *ret = ice_null(ICE_LONG);
        return true;
    }
    if (json->type == JSON_INT && integral)
        *ret = ice_integer(ICE_LONG, json->i64);
    else if (json->type == JSON_INT && (size_t)type->kind < sizeof integers / sizeof *integers &&
             integers[type->kind])
        *ret = ice_integer(integers[type->kind], json->i64);
    else if ((json->type == JSON_INT || json->type == JSON_NUMBER) &&
             (type->kind == TYPE_DOUBLE || type->kind == TYPE_REAL))
        *ret = type->kind == TYPE_DOUBLE ? ice_double(json_to_double(json))
                                         : ice_float((float)json_to_double(json));
    else if (json->type == JSON_STRING && type->kind == TYPE_VARCHAR)
        *ret = ice_string(json->text);
    else if (json->type == JSON_STRING && type->kind == TYPE_DECIMAL &&
             !ice_decimal_from_text(json->text, type->scale, &unscaled, NULL))
        *ret = ice_decimal(unscaled, type->scale);
    else if (json->type == JSON_TRUE || json->type == JSON_FALSE)
        *ret = ice_boolean(json->type == JSON_TRUE);
    else
        return false;
    (void)arena;
    return true;
}

/* Whatever has no columns: DuckDB knows its value. Errors are left to the query itself: it may never evaluate
 * it. */
static bool evaluate(Converter *c, const Expr *e, const SqlType *type, IceValue *ret)
{
    static const SqlType *const exact = &TYPE_BIGINT_;
    bool fine = type->precision > 6 && type->kind >= TYPE_TIME && type->kind <= TYPE_TIMESTAMP_TZ;
    bool temporal = type->kind == TYPE_DATE || type->kind == TYPE_TIMESTAMP ||
                    type->kind == TYPE_TIMESTAMP_TZ || type->kind == TYPE_TIME;
    if (fine || type->kind == TYPE_VARBINARY || type->kind == TYPE_CHAR || type->n_fields ||
        !is_constant(c, e))
        return false;
    Buf sql = BUF_INIT(1 << 20);
    EmitContext emit = {.arena = c->arena, .session = c->context->session, .statement = c->context};
    const Json *rows = NULL;
    buf_puts(&sql, type->kind == TYPE_DATE ? "SELECT CAST((" : temporal ? "SELECT epoch_us((" : "SELECT (");
    int r = emit_constant(&emit, e, &sql, NULL);
    buf_puts(&sql, type->kind == TYPE_DATE           ? ") - DATE '1970-01-01' AS BIGINT) AS c0"
                   : type->kind == TYPE_TIMESTAMP_TZ ? ").t) AS c0"
                   : temporal                        ? ")) AS c0"
                                                     : ") AS c0");
    r = r || buf_check(&sql, NULL) ||
                sql_query_rows(c->context, buf_str(&sql), temporal ? &exact : &type, 1, &rows, NULL)
            ? -1
            : 0;
    buf_free(&sql);
    return !r && rows->array.n == 1 &&
           value_of_json(rows->array.items[0]->array.items[0], type, c->arena, ret);
}

static bool literal_of_text(Converter *c, const Expr *e, IceValue *ret)
{
    int64_t days;
    TimestampLiteral t;
    const SqlType *type = e->generic.resolved;
    if (!type)
        return false;
    if (type->kind == TYPE_DATE && literal_parse_date(e->generic.text, &days)) {
        *ret = ice_integer(ICE_DATE, days);
        return true;
    }
    if (type->kind == TYPE_TIMESTAMP && literal_parse_timestamp(e->generic.text, &t) && !t.zone.ptr &&
        t.picos % 1000000 == 0) {
        int64_t seconds =
            civil_to_days((int)t.year, t.month, t.day) * 86400 + t.hour * 3600 + t.minute * 60 + t.second;
        *ret = ice_integer(ICE_TIMESTAMP, seconds * 1000000 + t.picos / 1000000);
        return true;
    }
    return evaluate(c, e, type, ret);
}

static bool constant_of(Converter *c, const Expr *e, IceValue *ret)
{
    const SqlType *type = e->coerced ? e->coerced : e->type;
    bool same = !e->coerced || !e->type || sql_type_equal(e->coerced, e->type);
    __int128 unscaled;
    switch (e->kind) {
    case EXPR_NULL:
        *ret = ice_null(ICE_LONG);
        return true;
    case EXPR_BOOLEAN:
        *ret = ice_boolean(e->boolean);
        return true;
    case EXPR_STRING:
        *ret = ice_string(e->text);
        return type->kind == TYPE_VARCHAR;
    case EXPR_BINARY:
        *ret = ice_binary(e->text);
        return true;
    case EXPR_INTEGER:
        *ret = ice_integer(ICE_LONG, e->integer.value);
        return type->kind != TYPE_CHAR;
    case EXPR_GENERIC_LITERAL:
        return (same || type->kind == TYPE_TIMESTAMP) && literal_of_text(c, e, ret);
    case EXPR_DECIMAL:
        if (e->type->kind == TYPE_DECIMAL && type->kind == TYPE_DECIMAL &&
            !ice_decimal_from_text(e->text, e->type->scale, &unscaled, NULL)) {
            *ret = ice_decimal(unscaled, e->type->scale);
            return true;
        }
        break;
    default:
        break;
    }
    return type && evaluate(c, e, type, ret);
}

/* ---- leaves ---- */

static IcePredKind flipped(IcePredKind kind)
{
    return kind == ICE_PRED_LT   ? ICE_PRED_GT
           : kind == ICE_PRED_LE ? ICE_PRED_GE
           : kind == ICE_PRED_GT ? ICE_PRED_LT
           : kind == ICE_PRED_GE ? ICE_PRED_LE
                                 : kind;
}

static const IcePred *compare(Converter *c, IcePredKind kind, const IceField *field, IceValue value)
{
    IceValue literal;
    if (value.is_null)
        return ice_pred_false();
    if (!ice_value_convert(&value, field->type, &literal))
        return ice_pred_opaque();
    return ice_pred_compare(c->arena, kind, field, literal);
}

/* A day of a timestamp: the range of its microseconds. */
static const IcePred *compare_day(Converter *c, IcePredKind kind, const IceField *field, int64_t day)
{
    enum { MAX_DAYS = 100000000 };
    const int64_t day_us = 86400000000;
    if (day > MAX_DAYS || day < -MAX_DAYS)
        return ice_pred_opaque();
    IceValue from = ice_integer(ICE_TIMESTAMP, day * day_us),
             to = ice_integer(ICE_TIMESTAMP, (day + 1) * day_us);
    const IcePred *at_least = ice_pred_compare(c->arena, ICE_PRED_GE, field, from),
                  *before = ice_pred_compare(c->arena, ICE_PRED_LT, field, to);
    switch (kind) {
    case ICE_PRED_EQ:
        return ice_pred_and2(c->arena, at_least, before);
    case ICE_PRED_NE:
        return ice_pred_not(c->arena, ice_pred_and2(c->arena, at_least, before));
    case ICE_PRED_LT:
        return ice_pred_compare(c->arena, ICE_PRED_LT, field, from);
    case ICE_PRED_LE:
        return before;
    case ICE_PRED_GT:
        return ice_pred_compare(c->arena, ICE_PRED_GE, field, to);
    default:
        return at_least;
    }
}

static const IcePred *compare_exprs(Converter *c, IcePredKind kind, const Expr *left, const Expr *right)
{
    IceValue value;
    const IceField *field = column_of(c, left);
    if (field)
        return constant_of(c, right, &value) ? compare(c, kind, field, value) : ice_pred_opaque();
    if ((field = date_of_timestamp(c, left)))
        return constant_of(c, right, &value) && value.type == ICE_DATE && !value.is_null
                   ? compare_day(c, kind, field, value.i64)
                   : ice_pred_opaque();
    if (column_of(c, right) || date_of_timestamp(c, right))
        return compare_exprs(c, flipped(kind), right, left);
    return ice_pred_opaque();
}

static const IcePred *convert_in(Converter *c, const Expr *e)
{
    const IceField *field = column_of(c, e->in.value);
    IceValue value, *literals = arena_array(c->arena, IceValue, e->in.n + 1);
    if (!field)
        return ice_pred_opaque();
    for (size_t i = 0; i < e->in.n; i++) {
        if (!constant_of(c, e->in.items[i], &value))
            return ice_pred_opaque();
        if (value.is_null)
            literals[i] = ice_null(field->type->id);
        else if (!ice_value_convert(&value, field->type, &literals[i]))
            return ice_pred_opaque();
    }
    return ice_pred_in(c->arena, field, literals, e->in.n, e->in.negated);
}

static const IcePred *convert_like(Converter *c, const Expr *e)
{
    Str pattern;
    const IceField *field = column_of(c, e->like.value);
    if (!field || field->type->id != ICE_STRING || e->like.escape ||
        !expr_constant_text(e->like.pattern, &pattern))
        return ice_pred_opaque();
    size_t n = 0;
    while (n < pattern.len && pattern.ptr[n] != '%' && pattern.ptr[n] != '_')
        n++;
    IceValue prefix = ice_string(str_slice(pattern, 0, n));
    if (n == pattern.len)
        return ice_pred_compare(c->arena, e->like.negated ? ICE_PRED_NE : ICE_PRED_EQ, field, prefix);
    if (n == pattern.len - 1 && pattern.ptr[n] == '%')
        return ice_pred_compare(c->arena, e->like.negated ? ICE_PRED_NOT_STARTS_WITH : ICE_PRED_STARTS_WITH,
                                field, prefix);
    if (e->like.negated || !n)
        return ice_pred_opaque();
    return ice_pred_and2(c->arena, ice_pred_compare(c->arena, ICE_PRED_STARTS_WITH, field, prefix),
                         ice_pred_opaque());
}

static const IcePred *convert_list(Converter *c, const Expr *e)
{
    const IcePred **children = arena_array(c->arena, const IcePred *, e->list.n + 1);
    for (size_t i = 0; i < e->list.n; i++)
        children[i] = convert(c, e->list.items[i]);
    return e->kind == EXPR_AND ? ice_pred_and(c->arena, children, e->list.n)
                               : ice_pred_or(c->arena, children, e->list.n);
}

static const IcePred *convert(Converter *c, const Expr *e)
{
    static const IcePredKind kinds[] = {[OP_EQ] = ICE_PRED_EQ, [OP_NE] = ICE_PRED_NE, [OP_LT] = ICE_PRED_LT,
                                        [OP_LE] = ICE_PRED_LE, [OP_GT] = ICE_PRED_GT, [OP_GE] = ICE_PRED_GE};
    const IcePred *p;
    const IceField *field;
    switch (e->kind) {
    case EXPR_BOOLEAN:
        return e->boolean ? ice_pred_true() : ice_pred_false();
    case EXPR_AND:
    case EXPR_OR:
        return convert_list(c, e);
    case EXPR_NOT:
        return ice_pred_not(c->arena, convert(c, e->is.operand));
    case EXPR_COMPARISON:
        return compare_exprs(c, kinds[e->binary.op], e->binary.left, e->binary.right);
    case EXPR_BETWEEN:
        if (e->between.symmetric)
            return ice_pred_opaque();
        p = ice_pred_and2(c->arena, compare_exprs(c, ICE_PRED_GE, e->between.value, e->between.low),
                          compare_exprs(c, ICE_PRED_LE, e->between.value, e->between.high));
        return e->between.negated ? ice_pred_not(c->arena, p) : p;
    case EXPR_IN_LIST:
        return convert_in(c, e);
    case EXPR_LIKE:
        return convert_like(c, e);
    case EXPR_IS_NULL:
        field = column_of(c, e->is.operand);
        return field ? ice_pred_unary(c->arena, e->is.negated ? ICE_PRED_NOT_NULL : ICE_PRED_IS_NULL, field)
                     : ice_pred_opaque();
    case EXPR_COLUMN:
        field = column_of(c, e);
        return field && field->type->id == ICE_BOOLEAN
                   ? ice_pred_compare(c->arena, ICE_PRED_EQ, field, ice_boolean(true))
                   : ice_pred_opaque();
    default:
        return ice_pred_opaque();
    }
}

const IcePred *iceberg_predicate(StatementContext *context, const IceSchema *schema, const Relation *relation,
                                 Arena *arena)
{
    Converter c = {.context = context, .relation = relation, .schema = schema, .arena = arena};
    const IcePred *all = ice_pred_true();
    for (size_t i = 0; relation && i < relation->n_conjuncts; i++)
        all = ice_pred_and2(arena, all, convert(&c, relation->conjuncts[i]));
    return all;
}
