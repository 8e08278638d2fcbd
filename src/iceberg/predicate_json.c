/* predicate_json.c - filters of REST requests.
 *
 * Their logic has two values: `a != 5` is true where a is NULL, NOT turns every false into true. So the
 * negation is pushed down while parsing, and each leaf gets the IS NULL and IS NAN that it needs to mean the
 * same in SQL's terms.
 * Source: Iceberg expressions-spec.md, "Predicates", "Appendix B"; older clients send "term" and "value". */
#include "iceberg/predicate_internal.h"

enum { MAX_DEPTH = 60 };

typedef struct Parser {
    const IceSchema *schema;
    bool case_sensitive;
    Arena *arena;
    Error *err;
} Parser;

static const struct {
    const char *name;
    IcePredKind kind, negated;
} leaves[] = {
    { "is-null", ICE_PRED_IS_NULL, ICE_PRED_NOT_NULL },
    { "not-null", ICE_PRED_NOT_NULL, ICE_PRED_IS_NULL },
    { "is-nan", ICE_PRED_IS_NAN, ICE_PRED_NOT_NAN },
    { "not-nan", ICE_PRED_NOT_NAN, ICE_PRED_IS_NAN },
    { "lt", ICE_PRED_LT, ICE_PRED_GE },
    { "lt-eq", ICE_PRED_LE, ICE_PRED_GT },
    { "gt", ICE_PRED_GT, ICE_PRED_LE },
    { "gt-eq", ICE_PRED_GE, ICE_PRED_LT },
    { "eq", ICE_PRED_EQ, ICE_PRED_NE },
    { "not-eq", ICE_PRED_NE, ICE_PRED_EQ },
    { "starts-with", ICE_PRED_STARTS_WITH, ICE_PRED_NOT_STARTS_WITH },
    { "not-starts-with", ICE_PRED_NOT_STARTS_WITH, ICE_PRED_STARTS_WITH },
    { "in", ICE_PRED_IN, ICE_PRED_NOT_IN },
    { "not-in", ICE_PRED_NOT_IN, ICE_PRED_IN },
};

static const IcePred *refuse(Parser *ps, const char *what)
{
    err_set(ps->err, ERR_BAD_REQUEST, "filter: %s", what);
    return NULL;
}

/* A reference to a column, by name or id. *ret stays NULL for what is no plain reference (a transform, a
 * function). */
static int find_field(Parser *ps, const Json *term, const IceField **ret)
{
    const Json *type = json_get(term, "type");
    const Json *name = json_is(term, JSON_STRING) ? term : json_get(term, "name"),
               *id = json_get(term, "id");

    if (!term)
        return err_set(ps->err, ERR_BAD_REQUEST, "filter: a predicate without its operand");
    if (json_is(term, JSON_OBJECT) && !(json_is(type, JSON_STRING) && str_is(type->text, "reference")))
        return 0;
    if (json_is(term, JSON_OBJECT) && !name)
        name = json_get(term, "term");
    if (json_is(id, JSON_INT))
        *ret = ice_schema_find(ps->schema, (int32_t)id->i64);
    else if (json_is(name, JSON_STRING))
        *ret = ice_schema_find_name(ps->schema, name->text, ps->case_sensitive);
    else
        return 0;
    if (!*ret)
        return err_set(ps->err, ERR_BAD_REQUEST, "Cannot find field '%.*s' in the schema",
                       STR_ARG(name ? name->text : STR("?")));
    return 0;
}

/* {"type":"literal","value":...} or the value itself. */
static const Json *literal_value(const Json *json)
{
    return json_is(json, JSON_OBJECT) && json_get(json, "value") ? json_get(json, "value") : json;
}

static const IcePred *or_unary(Parser *ps, const IcePred *pred, IcePredKind kind, const IceField *field)
{
    return ice_pred_or2(ps->arena, pred, ice_pred_unary(ps->arena, kind, field));
}

/* What a leaf selects beyond SQL's reading of it. */
static const IcePred *two_valued(Parser *ps, const IcePred *pred, IcePredKind kind, const IceField *field,
                                 bool negate)
{
    bool selects_null = kind == ICE_PRED_NE || kind == ICE_PRED_NOT_IN || kind == ICE_PRED_NOT_NAN ||
                        kind == ICE_PRED_NOT_STARTS_WITH;
    bool is_order = kind >= ICE_PRED_LT && kind <= ICE_PRED_GE;

    if (selects_null || (is_order && negate))
        pred = or_unary(ps, pred, ICE_PRED_IS_NULL, field);
    if (is_order && negate && ice_pred_is_float(field->type))
        pred = or_unary(ps, pred, ICE_PRED_IS_NAN, field);
    return pred;
}

static const IcePred *parse_comparison(Parser *ps, const Json *json, IcePredKind kind,
                                       const IceField *field)
{
    const Json *right = json_get(json, "right") ? json_get(json, "right") : json_get(json, "value");
    const Json *type = json_get(right, "type");
    IceValue literal;

    if (!right || json_is_null(right))
        return refuse(ps, "a comparison needs a value that is not null");
    if (json_is(right, JSON_OBJECT) && !(json_is(type, JSON_STRING) && str_is(type->text, "literal")))
        return ice_pred_opaque(); /* another column, a function */
    if (ice_value_from_json(field->type, literal_value(right), ps->arena, &literal, ps->err) < 0)
        return NULL;
    return ice_pred_compare(ps->arena, kind, field, literal);
}

static const IcePred *parse_set(Parser *ps, const Json *json, IcePredKind kind, const IceField *field)
{
    const Json *list = json_get(json, "values");

    if (json_is(list, JSON_OBJECT))
        list = json_get(list, "values");
    if (!json_is(list, JSON_ARRAY))
        return refuse(ps, "\"values\" must be an array");
    IceValue *values = arena_array(ps->arena, IceValue, list->array.n);
    for (size_t i = 0; i < list->array.n; i++)
        if (ice_value_from_json(field->type, literal_value(list->array.items[i]), ps->arena, &values[i],
                                ps->err) < 0)
            return NULL;
    return ice_pred_in(ps->arena, field, values, list->array.n, kind == ICE_PRED_NOT_IN);
}

static const IcePred *parse_leaf(Parser *ps, const Json *json, IcePredKind kind, bool negate)
{
    const Json *term = json_get(json, "child")  ? json_get(json, "child")
                       : json_get(json, "left") ? json_get(json, "left")
                                                : json_get(json, "term");
    const IceField *field = NULL;
    const IcePred *pred;

    if (find_field(ps, term, &field) < 0)
        return NULL;
    if (!field || !ice_type_is_primitive(field->type))
        return ice_pred_opaque();
    if (kind >= ICE_PRED_IS_NULL && kind <= ICE_PRED_NOT_NAN)
        pred = ice_pred_unary(ps->arena, kind, field);
    else if (kind == ICE_PRED_IN || kind == ICE_PRED_NOT_IN)
        pred = parse_set(ps, json, kind, field);
    else
        pred = parse_comparison(ps, json, kind, field);
    return pred ? two_valued(ps, pred, kind, field, negate) : NULL;
}

static const IcePred *parse(Parser *ps, const Json *json, bool negate, int depth);

static const IcePred *parse_pair(Parser *ps, const Json *json, bool is_and, bool negate, int depth)
{
    const Json *left = json_get(json, "left"), *right = json_get(json, "right");

    if (!left || !right)
        return refuse(ps, "\"and\" and \"or\" need \"left\" and \"right\"");
    const IcePred *a = parse(ps, left, negate, depth + 1);
    const IcePred *b = a ? parse(ps, right, negate, depth + 1) : NULL;
    if (!b)
        return NULL;
    return is_and != negate ? ice_pred_and2(ps->arena, a, b) : ice_pred_or2(ps->arena, a, b);
}

static const IcePred *parse(Parser *ps, const Json *json, bool negate, int depth)
{
    const Json *type = json_get(json, "type");

    if (depth > MAX_DEPTH)
        return refuse(ps, "nested too deeply");
    if (json->type == JSON_TRUE || json->type == JSON_FALSE)
        return (json->type == JSON_TRUE) != negate ? ice_pred_true() : ice_pred_false();
    if (!json_is(type, JSON_STRING))
        return refuse(ps, "a predicate is true, false or an object with a \"type\"");
    if (str_is(type->text, "true") || str_is(type->text, "false"))
        return str_is(type->text, "true") != negate ? ice_pred_true() : ice_pred_false();
    if (str_is(type->text, "and") || str_is(type->text, "or"))
        return parse_pair(ps, json, str_is(type->text, "and"), negate, depth);
    if (str_is(type->text, "not")) {
        const Json *child = json_get(json, "child");
        return child ? parse(ps, child, !negate, depth + 1) : refuse(ps, "\"not\" needs a \"child\"");
    }
    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++)
        if (str_is(type->text, leaves[i].name))
            return parse_leaf(ps, json, negate ? leaves[i].negated : leaves[i].kind, negate);
    return refuse(ps, "unknown type of predicate");
}

int ice_pred_from_json(const Json *json, const IceSchema *schema, bool case_sensitive, Arena *arena,
                       const IcePred **ret, Error *err)
{
    Parser ps = { schema, case_sensitive, arena, err };
    const IcePred *pred = parse(&ps, json, false, 0);

    if (!pred)
        return -1;
    *ret = pred;
    return 0;
}
