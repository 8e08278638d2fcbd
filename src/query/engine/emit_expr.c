/* emit_expr.c - expressions. Each kind has its function in one table. */
#include "base/map.h"
#include "query/engine/emit_internal.h"

#include "query/analyzer/internal.h"

typedef int (*Emit)(Emitter *m, const Expr *e, Buf *out);

int emit_not_supported(Emitter *m, SqlPos pos, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    Str text = arena_vprintf(m->arena, format, args);
    va_end(args);
    return err_set_sql(m->err, ERR_NOT_SUPPORTED, pos.line, pos.column, "%.*s is not supported yet",
                       STR_ARG(text));
}

bool emit_type_is_carried(const SqlType *type)
{
    switch (type->kind) {
    case TYPE_FUNCTION:
        return false;
    default:
        break;
    }
    for (size_t i = 0; i < type->n_fields; i++)
        if (!emit_type_is_carried(type->fields[i].type))
            return false;
    return true;
}

Str emit_let_name(Emitter *m)
{
    return arena_printf(m->arena, "m%d", ++m->next_let);
}

void emit_let(Buf *out, Str name, Str value, Str body)
{
    buf_printf(out, "list_transform([%.*s], lambda %.*s: %.*s)[1]", STR_ARG(value), STR_ARG(name),
               STR_ARG(body));
}

Str emit_lets_add(Emitter *m, Lets *lets, Str value)
{
    if (lets->n == 0)
        lets->variable = emit_let_name(m);
    lets->values[lets->n] = value;
    lets->names[lets->n] =
        arena_printf(m->arena, m->in_having ? "struct_extract(%.*s, 'x%zu')" : "%.*s.x%zu",
                     STR_ARG(lets->variable), lets->n);
    return lets->names[lets->n++];
}

void emit_lets(Buf *out, const Lets *lets, Str body)
{
    if (lets->n == 0) {
        buf_add(out, body);
        return;
    }
    buf_puts(out, "list_transform([struct_pack(");
    for (size_t i = 0; i < lets->n; i++)
        buf_printf(out, "%sx%zu := %.*s", i ? ", " : "", i, STR_ARG(lets->values[i]));
    buf_printf(out, ")], lambda %.*s: %.*s)[1]", STR_ARG(lets->variable), STR_ARG(body));
}

bool emit_is_simple(const Expr *e)
{
    return e->kind == EXPR_COLUMN || e->kind <= EXPR_INTERVAL;
}

static bool is_constant(const Expr *e)
{
    return e->kind <= EXPR_INTERVAL || (e->kind == EXPR_UNARY && is_constant(e->unary.operand)) ||
           (e->kind == EXPR_CAST && is_constant(e->cast.operand) && e->type->kind != TYPE_DOUBLE &&
            e->type->kind != TYPE_REAL);
}

/* No NaN can come of it: DOUBLE 'NaN' is a generic literal. */
static bool is_plain_constant(const Expr *e)
{
    return is_constant(e) && e->kind != EXPR_GENERIC_LITERAL;
}

/* ---- columns ---- */

/* A joined column of USING: of the side that is never missing, or of either. */
static int emit_using_column(Emitter *m, const Relation *join, int index, Buf *out)
{
    const Expr *equal = join->join.on->list.items[index];
    Str left = emit_text(m, equal->binary.left),
        right = left.ptr ? emit_text(m, equal->binary.right) : STR_NULL;
    if (!right.ptr)
        return -1;
    if (join->join.join == JOIN_FULL)
        return buf_printf(out, "coalesce(%.*s, %.*s)", STR_ARG(left), STR_ARG(right));
    return buf_add(out, join->join.join == JOIN_RIGHT ? right : left);
}

int emit_column(Emitter *m, const Expr *e, Buf *out)
{
    FieldRef inside = m->wrapped || m->pattern ? emit_wrapped_ref(m, &e->column.ref) : (FieldRef){NULL};
    const FieldRef *ref = inside.relation ? &inside : &e->column.ref;
    if (m->pattern && ref->relation)
        return emit_pattern_input(m, e, out);
    if (!ref->relation && ref->depth == ROUTINE_DEPTH)
        return buf_add(out, m->slots[ref->index]);
    if (!ref->relation && ref->depth < 0)
        return buf_printf(out, "v%d_%d", e->column.original->lambda.id, ref->index);
    if (!ref->relation)
        return buf_printf(out, "c%d", ref->index);
    if (ref->relation->kind == REL_JOIN)
        return emit_using_column(m, ref->relation, ref->index, out);
    return buf_printf(out, "r%d.c%d", ref->relation->id, ref->index);
}

static int emit_dereference(Emitter *m, const Expr *e, Buf *out)
{
    const Expr *base = e->dereference.base;
    for (size_t i = 0; i < base->type->n_fields; i++) {
        if (!name_is(base->type->fields[i].name, e->dereference.field.text))
            continue;
        buf_puts(out, "struct_extract(");
        if (emit_expr(m, base, out) < 0)
            return -1;
        return buf_printf(out, ", 'f%zu')", i);
    }
    return err_set(m->err, ERR_INTERNAL, "row field is missing");
}

/* ---- operators ---- */

static int emit_unary(Emitter *m, const Expr *e, Buf *out)
{
    if (e->unary.op == '+')
        return emit_coerced(m, e->unary.operand, out);
    buf_puts(out, e->type->kind == TYPE_NUMBER                ? "t_number_neg("
                  : e->type->kind == TYPE_INTERVAL_DAY_TIME   ? "t_interval_ds_neg("
                  : e->type->kind == TYPE_INTERVAL_YEAR_MONTH ? "t_interval_ym_neg("
                                                              : "(- ");
    if (emit_coerced(m, e->unary.operand, out) < 0)
        return -1;
    return buf_putc(out, ')');
}

/* A decimal column against a literal that fits its type: the column stays bare, so that scans can use the
 * condition. The text of the literal in the column's type, or ptr NULL. */
static Str fitting_literal(Emitter *m, const Expr *column, const Expr *literal)
{
    const SqlType *type = column->type;
    const SqlType *own = sql_type_decimal_of(literal->type, m->arena);
    bool is_literal = literal->kind == EXPR_INTEGER || literal->kind == EXPR_DECIMAL;
    if (type->kind != TYPE_DECIMAL || !is_literal || !own || own->scale > type->scale)
        return STR_NULL;
    int64_t most = 1;
    for (int i = type->scale; i < type->precision && most < INT64_MAX / 10; i++)
        most *= 10;
    if (literal->kind == EXPR_INTEGER ? literal->integer.value >= most || literal->integer.value <= -most
                                      : own->precision - own->scale > type->precision - type->scale)
        return STR_NULL;
    Str text = literal->kind == EXPR_INTEGER
                   ? arena_printf(m->arena, "%lld", (long long)literal->integer.value)
                   : literal->text;
    return arena_printf(m->arena, "CAST('%.*s' AS %.*s)", STR_ARG(text), DUCKDB(m, type));
}

enum { DECIMAL_DIGITS = 38 };

/* Both sides of a comparison in one type: *ret_type. */
static int emit_sides(Emitter *m, const Expr *left, const Expr *right, Str *l, Str *r,
                      const SqlType **ret_type)
{
    Str literal = fitting_literal(m, left, right);
    *ret_type = literal.ptr ? left->type : left->coerced;
    *l = literal.ptr ? emit_own_text(m, left) : emit_text(m, left);
    *r = !l->ptr ? STR_NULL : literal.ptr ? literal : emit_text(m, right);
    return r->ptr ? 0 : -1;
}

/* No decimal holds both: they are compared as numbers. */
static bool overflows_decimal(const SqlType *a, const SqlType *b)
{
    if (a->kind != TYPE_DECIMAL || b->kind != TYPE_DECIMAL)
        return false;
    int whole_a = a->precision - a->scale, whole_b = b->precision - b->scale;
    int scale = a->scale > b->scale ? a->scale : b->scale;
    return (whole_a > whole_b ? whole_a : whole_b) + scale > DECIMAL_DIGITS;
}

static Str emit_as_number(Emitter *m, const Expr *e)
{
    Str own = emit_own_text(m, e);
    return own.ptr ? arena_printf(m->arena, "t_dec_to_number(%.*s)", STR_ARG(own)) : STR_NULL;
}

static int emit_comparison(Emitter *m, const Expr *e, Buf *out)
{
    static const BinaryOp turned[] = {
        [OP_EQ] = OP_EQ, [OP_NE] = OP_NE, [OP_LT] = OP_GT, [OP_GT] = OP_LT, [OP_LE] = OP_GE, [OP_GE] = OP_LE};
    const Expr *left = e->binary.left, *right = e->binary.right;
    BinaryOp op = e->binary.op;
    bool floating = left->coerced->kind == TYPE_DOUBLE || left->coerced->kind == TYPE_REAL;
    bool swap = is_plain_constant(left) && !is_plain_constant(right) &&
                (floating || left->coerced->kind == TYPE_DECIMAL);
    if (swap) {
        const Expr *t = left;
        left = right;
        right = t;
        op = turned[op];
    }
    Str l, r;
    const SqlType *type;
    if (overflows_decimal(left->type, right->type)) {
        l = emit_as_number(m, left);
        r = l.ptr ? emit_as_number(m, right) : STR_NULL;
        return r.ptr ? emit_compare(m, op, sql_type_plain(TYPE_NUMBER), l, r, false, out) : -1;
    }
    return emit_sides(m, left, right, &l, &r, &type)
               ? -1
               : emit_compare(m, op, type, l, r, is_plain_constant(right), out);
}

static int emit_distinct_from(Emitter *m, const Expr *e, Buf *out)
{
    Str l = emit_text(m, e->binary.left), r = l.ptr ? emit_text(m, e->binary.right) : STR_NULL;
    if (!r.ptr)
        return -1;
    buf_putc(out, '(');
    emit_key(m, e->binary.left->coerced, l, out);
    buf_puts(out, e->binary.negated ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ");
    emit_key(m, e->binary.left->coerced, r, out);
    return buf_putc(out, ')');
}

static int emit_list(Emitter *m, Expr *const *items, size_t n, const char *separator, Buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_puts(out, separator);
        if (emit_coerced(m, items[i], out) < 0)
            return -1;
    }
    return 0;
}

static int emit_logical(Emitter *m, const Expr *e, Buf *out)
{
    buf_putc(out, '(');
    if (emit_list(m, e->list.items, e->list.n, e->kind == EXPR_AND ? " AND " : " OR ", out) < 0)
        return -1;
    return buf_putc(out, ')');
}

static int emit_not(Emitter *m, const Expr *e, Buf *out)
{
    buf_puts(out, "(NOT ");
    if (emit_coerced(m, e->is.operand, out) < 0)
        return -1;
    return buf_putc(out, ')');
}

static int emit_is(Emitter *m, const Expr *e, Buf *out)
{
    buf_putc(out, '(');
    if (emit_coerced(m, e->is.operand, out) < 0)
        return -1;
    if (e->kind == EXPR_IS_NULL || e->is.truth < 0)
        return buf_puts(out, e->is.negated ? " IS NOT NULL)" : " IS NULL)");
    return buf_printf(out, " IS %sDISTINCT FROM %s)", e->is.negated ? "" : "NOT ",
                      e->is.truth ? "true" : "false");
}

static int emit_between(Emitter *m, const Expr *e, Buf *out)
{
    const SqlType *type = e->between.value->coerced;
    Str low = fitting_literal(m, e->between.value, e->between.low),
        high = fitting_literal(m, e->between.value, e->between.high);
    bool fits = low.ptr && high.ptr;
    Str value = fits ? emit_own_text(m, e->between.value) : emit_text(m, e->between.value);
    low = fits ? low : value.ptr ? emit_text(m, e->between.low) : STR_NULL;
    high = fits ? high : low.ptr ? emit_text(m, e->between.high) : STR_NULL;
    if (!value.ptr || !high.ptr)
        return -1;
    bool floating = type->kind == TYPE_DOUBLE || type->kind == TYPE_REAL;
    bool plain = !floating || (is_plain_constant(e->between.low) && is_plain_constant(e->between.high));
    plain = plain && type->kind != TYPE_NUMBER && type->kind != TYPE_CHAR;
    if (plain && !e->between.symmetric && !sql_type_is_zoned(type) && type->kind < TYPE_ARRAY)
        return buf_printf(out, "(%.*s %sBETWEEN %.*s AND %.*s)", STR_ARG(value),
                          e->between.negated ? "NOT " : "", STR_ARG(low), STR_ARG(high));
    Str name = emit_is_simple(e->between.value) ? value : emit_let_name(m);
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    buf_puts(&body, e->between.negated ? "(NOT (" : "((");
    for (int turned = 0; turned <= e->between.symmetric; turned++) {
        if (turned)
            buf_puts(&body, " OR ");
        if (emit_compare(m, OP_GE, type, name, turned ? high : low, false, &body) < 0)
            return -1;
        buf_puts(&body, " AND ");
        if (emit_compare(m, OP_LE, type, name, turned ? low : high, false, &body) < 0)
            return -1;
    }
    buf_puts(&body, "))");
    if (emit_is_simple(e->between.value))
        return buf_add(out, buf_str(&body));
    emit_let(out, name, value, arena_str(m->arena, buf_str(&body)));
    return 0;
}

static int emit_in_list(Emitter *m, const Expr *e, Buf *out)
{
    const SqlType *type = e->in.value->coerced;
    bool floating = type->kind == TYPE_DOUBLE || type->kind == TYPE_REAL,
         plain = (type->kind < TYPE_ARRAY && type->kind != TYPE_NUMBER) || type->kind == TYPE_UUID;
    for (size_t i = 0; i < e->in.n && floating; i++)
        plain = plain && is_plain_constant(e->in.items[i]);
    Str value = emit_text(m, e->in.value);
    if (!value.ptr)
        return -1;
    buf_puts(out, e->in.negated ? "(NOT (" : "((");
    if (plain) {
        emit_key(m, type, value, out);
        buf_puts(out, " IN (");
    }
    Str name = emit_is_simple(e->in.value) || plain ? value : emit_let_name(m);
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    for (size_t i = 0; i < e->in.n; i++) {
        Str item = emit_text(m, e->in.items[i]);
        if (!item.ptr)
            return -1;
        buf_puts(&body, i == 0 ? "" : plain ? ", " : " OR ");
        if (plain)
            emit_key(m, type, item, &body);
        else if (emit_compare(m, OP_EQ, type, name, item, false, &body) < 0)
            return -1;
    }
    if (name.ptr == value.ptr)
        buf_add(out, buf_str(&body));
    else
        emit_let(out, name, value, arena_str(m->arena, buf_str(&body)));
    return buf_puts(out, plain ? ")))" : "))");
}

/* ---- LIKE ---- */

/* Is every escape followed by what may be escaped? */
static bool escapes_are_valid(Str pattern, Str escape)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.ptr[i] != escape.ptr[0])
            continue;
        i++;
        if (i >= pattern.len ||
            (pattern.ptr[i] != '%' && pattern.ptr[i] != '_' && pattern.ptr[i] != escape.ptr[0]))
            return false;
    }
    return true;
}

static int emit_like(Emitter *m, const Expr *e, Buf *out)
{
    const Expr *pattern = e->like.pattern, *escape = e->like.escape;
    Str value = emit_text(m, e->like.value), p = value.ptr ? emit_text(m, pattern) : STR_NULL;
    if (!p.ptr)
        return -1;
    if (e->like.value->type->kind == TYPE_CHAR)
        value = arena_printf(m->arena, "t_char_pad(%.*s, %d)", STR_ARG(value), e->like.value->type->length);
    const char *negation = e->like.negated ? "NOT " : "";
    if (!escape)
        return buf_printf(out, "(%.*s %sLIKE %.*s)", STR_ARG(value), negation, STR_ARG(p));
    Str x = emit_text(m, escape);
    if (!x.ptr)
        return -1;
    bool native = escape->kind == EXPR_STRING && escape->text.len == 1 && pattern->kind == EXPR_STRING &&
                  escapes_are_valid(pattern->text, escape->text);
    if (native)
        return buf_printf(out, "(%.*s %sLIKE %.*s ESCAPE %.*s)", STR_ARG(value), negation, STR_ARG(p),
                          STR_ARG(x));
    return buf_printf(out, "(%st_like(%.*s, %.*s, %.*s))", negation, STR_ARG(value), STR_ARG(p), STR_ARG(x));
}

/* ---- CAST, CASE and its kin ---- */

static int emit_cast_expr(Emitter *m, const Expr *e, Buf *out)
{
    const Expr *operand = e->cast.operand;
    if (!e->cast.is_try || emit_may_fail(operand) || emit_try_cast_is_refused(e)) {
        Str own = emit_text(m, operand);
        if (!own.ptr)
            return -1;
        return e->cast.is_try ? emit_try_cast(m, e, own, out)
                              : emit_cast(m, operand->coerced, e->type, own, e->pos, out);
    }
    Try try = {0};
    if (emit_try_begin(m, operand, &try) < 0)
        return -1;
    Str value = emit_text(m, operand);
    Str cast = value.ptr ? emit_cast_text(m, operand->coerced, e->type, value, e->pos) : STR_NULL;
    return cast.ptr ? emit_try_end(m, &try, cast, out) : -1;
}

static int emit_when(Emitter *m, const Expr *e, const WhenClause *when, Str operand, Buf *out)
{
    buf_puts(out, " WHEN ");
    if (e->kind == EXPR_CASE_SIMPLE) {
        Str value = emit_text(m, when->condition);
        if (!value.ptr || emit_compare(m, OP_EQ, e->case_.operand->coerced, operand, value,
                                       is_plain_constant(when->condition), out) < 0)
            return -1;
    } else if (emit_coerced(m, when->condition, out) < 0) {
        return -1;
    }
    buf_puts(out, " THEN ");
    return emit_coerced(m, when->result, out);
}

static int emit_case(Emitter *m, const Expr *e, Buf *out)
{
    Str operand = STR_NULL, name = STR_NULL;
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    if (e->kind == EXPR_CASE_SIMPLE) {
        operand = emit_text(m, e->case_.operand);
        if (!operand.ptr)
            return -1;
        name = emit_is_simple(e->case_.operand) ? operand : emit_let_name(m);
    }
    buf_puts(&body, "CASE");
    for (size_t i = 0; i < e->case_.n; i++)
        if (emit_when(m, e, &e->case_.whens[i], name, &body) < 0)
            return -1;
    buf_puts(&body, " ELSE ");
    if (e->case_.otherwise) {
        if (emit_coerced(m, e->case_.otherwise, &body) < 0)
            return -1;
    } else {
        buf_printf(&body, "CAST(NULL AS %.*s)", DUCKDB(m, e->type));
    }
    buf_puts(&body, " END");
    if (name.ptr == operand.ptr)
        return buf_add(out, buf_str(&body));
    emit_let(out, name, operand, arena_str(m->arena, buf_str(&body)));
    return 0;
}

static int emit_coalesce(Emitter *m, const Expr *e, Buf *out)
{
    Str *items = arena_array(m->arena, Str, e->list.n + 1);
    uint64_t id = 0;
    for (size_t i = 0; i < e->list.n; i++) {
        items[i] = emit_text(m, e->list.items[i]);
        if (!items[i].ptr)
            return -1;
        id = hash_bytes(items[i].ptr, items[i].len, id);
    }
    buf_puts(out, "coalesce(");
    for (size_t i = 0; i < e->list.n; i++) {
        buf_puts(out, i ? ", " : "");
        if (i == 0 || emit_is_simple(e->list.items[i]))
            buf_add(out, items[i]);
        else
            emit_alone(m, e->list.items[i], items[i], (uint32_t)id | 1, out);
    }
    return buf_putc(out, ')');
}

static int emit_nullif(Emitter *m, const Expr *e, Buf *out)
{
    const Expr *left = e->binary.left, *right = e->binary.right;
    const SqlType *common = sql_type_common(left->type, right->type, m->arena);
    Str l = emit_own_text(m, left), r = l.ptr ? emit_own_text(m, right) : STR_NULL;
    if (!r.ptr)
        return -1;
    Str name = emit_is_simple(left) ? l : emit_let_name(m);
    Str cast_l = emit_cast_text(m, left->type, common, name, e->pos),
        cast_r = emit_cast_text(m, right->type, common, r, e->pos);
    _cleanup_buf_ Buf body = BUF_INIT(EMIT_SQL_MAX);
    buf_puts(&body, "CASE WHEN ");
    if (emit_may_fail(right)) /* not asked for where the left is NULL */
        buf_printf(&body, "%.*s IS NULL THEN NULL WHEN ", STR_ARG(name));
    if (!cast_l.ptr || !cast_r.ptr ||
        emit_compare(m, OP_EQ, common, cast_l, cast_r, is_plain_constant(right), &body) < 0)
        return -1;
    buf_printf(&body, " THEN NULL ELSE %.*s END", STR_ARG(name));
    if (name.ptr == l.ptr)
        return buf_add(out, buf_str(&body));
    emit_let(out, name, l, arena_str(m->arena, buf_str(&body)));
    return 0;
}

static int emit_try(Emitter *m, const Expr *e, Buf *out)
{
    Try try = {0};
    if (emit_try_begin(m, e->is.operand, &try) < 0)
        return -1;
    Str value = emit_text(m, e->is.operand);
    return value.ptr ? emit_try_end(m, &try, value, out) : -1;
}

/* ---- the others ---- */

static int emit_at_time_zone(Emitter *m, const Expr *e, Buf *out)
{
    const Expr *zone = e->at_time_zone.zone;
    Str value = emit_text(m, e->at_time_zone.value);
    Str name = !value.ptr ? STR_NULL : zone ? emit_text(m, zone) : emit_zone_literal(m);
    if (!name.ptr)
        return -1;
    const SqlType *type = e->at_time_zone.value->coerced;
    if (type->kind == TYPE_TIME_TZ)
        return emit_time_at_zone(m, value, name, zone ? zone->coerced->kind : TYPE_VARCHAR, out);
    Narrowed n = emit_narrow_begin(m, type, value, emit_is_simple(e->at_time_zone.value));
    Str body = arena_printf(m->arena, "t_tz_at_zone(%.*s, %.*s)", STR_ARG(n.value), STR_ARG(name));
    emit_narrow_end(m, &n, body, true, out);
    return 0;
}

static int emit_array(Emitter *m, const Expr *e, Buf *out)
{
    if (e->list.n == 0)
        return buf_printf(out, "CAST([] AS %.*s)", DUCKDB(m, e->type));
    buf_putc(out, '[');
    if (emit_list(m, e->list.items, e->list.n, ", ", out) < 0)
        return -1;
    return buf_putc(out, ']');
}

static int emit_row(Emitter *m, const Expr *e, Buf *out)
{
    buf_puts(out, "struct_pack(");
    for (size_t i = 0; i < e->row.n; i++) {
        buf_printf(out, "%sf%zu := ", i ? ", " : "", i);
        if (emit_coerced(m, e->row.items[i], out) < 0)
            return -1;
    }
    return buf_putc(out, ')');
}

static int emit_grouping(Emitter *m, const Expr *e, Buf *out)
{
    buf_puts(out, "CAST(grouping(");
    for (size_t i = 0; i < e->list.n; i++) {
        buf_puts(out, i ? ", " : "");
        if (emit_group_key(m, e->list.items[i], out) < 0)
            return -1;
    }
    return buf_printf(out, ") AS %.*s)", DUCKDB(m, e->type));
}

static int emit_current(Emitter *m, const Expr *e, Buf *out)
{
    const AnalyzerSession *session = m->context->session;
    Str name = e->current.name;
    if (e->type->kind == TYPE_VARCHAR) {
        bool user = str_eq_nocase(name, STR("current_user")),
             catalog = str_eq_nocase(name, STR("current_catalog"));
        Str value = user                                       ? session->user
                    : catalog                                  ? session->catalog
                    : str_eq_nocase(name, STR("current_path")) ? STR("")
                                                               : session->schema;
        if (!user && value.len == 0 && !str_eq_nocase(name, STR("current_path")))
            return buf_puts(out, "CAST(NULL AS VARCHAR)");
        emit_string_literal(out, value);
        return 0;
    }
    Str now = arena_printf(m->arena, "t_tz_make(make_timestamp(%.*s), %.*s)", STR_ARG(emit_now_us(m)),
                           STR_ARG(emit_zone_literal(m)));
    if (e->type->kind != TYPE_TIME_TZ)
        return emit_cast(m, &TYPE_TIMESTAMP_TZ_6_, e->type, now, e->pos, out);
    Str time = emit_cast_text(m, &TYPE_TIMESTAMP_TZ_6_, &TYPE_TIME_6_, now, e->pos);
    return time.ptr ? emit_cast(m, &TYPE_TIME_6_, e->type, time, e->pos, out) : -1;
}

static int emit_lambda(Emitter *m, const Expr *e, Buf *out)
{
    buf_puts(out, "lambda ");
    for (size_t i = 0; i < e->lambda.n; i++)
        buf_printf(out, "%sv%d_%zu", i ? ", " : "", e->lambda.id, i);
    buf_puts(out, ": ");
    return emit_coerced(m, e->lambda.body, out);
}

static const Emit emitters[] = {
    [EXPR_NULL] = emit_literal,
    [EXPR_BOOLEAN] = emit_literal,
    [EXPR_INTEGER] = emit_literal,
    [EXPR_DECIMAL] = emit_literal,
    [EXPR_DOUBLE] = emit_literal,
    [EXPR_STRING] = emit_literal,
    [EXPR_BINARY] = emit_literal,
    [EXPR_GENERIC_LITERAL] = emit_literal,
    [EXPR_INTERVAL] = emit_literal,
    [EXPR_DEREFERENCE] = emit_dereference,
    [EXPR_UNARY] = emit_unary,
    [EXPR_ARITHMETIC] = emit_arithmetic,
    [EXPR_COMPARISON] = emit_comparison,
    [EXPR_DISTINCT_FROM] = emit_distinct_from,
    [EXPR_AND] = emit_logical,
    [EXPR_OR] = emit_logical,
    [EXPR_NOT] = emit_not,
    [EXPR_IS_NULL] = emit_is,
    [EXPR_IS_TRUTH] = emit_is,
    [EXPR_BETWEEN] = emit_between,
    [EXPR_IN_LIST] = emit_in_list,
    [EXPR_IN_SUBQUERY] = emit_in_subquery,
    [EXPR_LIKE] = emit_like,
    [EXPR_EXISTS] = emit_exists_predicate,
    [EXPR_SUBQUERY] = emit_scalar_subquery,
    [EXPR_UNIQUE] = emit_unique,
    [EXPR_MATCH] = emit_match_predicate,
    [EXPR_QUANTIFIED] = emit_quantified,
    [EXPR_CAST] = emit_cast_expr,
    [EXPR_CASE_SIMPLE] = emit_case,
    [EXPR_CASE_SEARCHED] = emit_case,
    [EXPR_IF] = emit_case,
    [EXPR_COALESCE] = emit_coalesce,
    [EXPR_NULLIF] = emit_nullif,
    [EXPR_TRY] = emit_try,
    [EXPR_JSON_FUNCTION] = emit_json,
    [EXPR_FUNCTION] = emit_call,
    [EXPR_LAMBDA] = emit_lambda,
    [EXPR_AT_TIME_ZONE] = emit_at_time_zone,
    [EXPR_SUBSCRIPT] = emit_subscript,
    [EXPR_ARRAY] = emit_array,
    [EXPR_ROW] = emit_row,
    [EXPR_GROUPING] = emit_grouping,
    [EXPR_CURRENT] = emit_current,
    [EXPR_COLUMN] = emit_column,
    [EXPR_PATTERN_INPUT] = emit_pattern_input,
};

int emit_expr(Emitter *m, const Expr *e, Buf *out)
{
    if (arena_check(m->arena, m->err) < 0)
        return -1;
    for (size_t i = 0; i < m->n_hoisted; i++)
        if (e == m->hoisted[i].expr)
            return buf_add(out, m->hoisted[i].text);
    Str pinned = m->n_pinned ? emit_pinned_text(m, e) : STR_NULL;
    if (pinned.ptr)
        return buf_add(out, pinned);
    if (e->kind != EXPR_LAMBDA && !emit_type_is_carried(e->type))
        return emit_not_supported(m, e->pos, "Type %.*s", STR_ARG(sql_type_name(e->type, m->arena)));
    Emit emit = e->kind < sizeof emitters / sizeof *emitters ? emitters[e->kind] : NULL;
    return emit ? emit(m, e, out) : emit_not_supported(m, e->pos, "This expression");
}

int emit_coerced(Emitter *m, const Expr *e, Buf *out)
{
    if (e->kind == EXPR_LAMBDA || sql_type_equal(e->type, e->coerced))
        return emit_expr(m, e, out);
    if (e->kind == EXPR_NULL)
        return buf_printf(out, "CAST(NULL AS %.*s)", DUCKDB(m, e->coerced));
    if (e->kind == EXPR_INTEGER && sql_type_is_integral(e->coerced))
        return buf_printf(out, "CAST(%lld AS %.*s)", (long long)e->integer.value, DUCKDB(m, e->coerced));
    Str value = emit_own_text(m, e);
    return value.ptr ? emit_cast(m, e->type, e->coerced, value, e->pos, out) : -1;
}

Str emit_text(Emitter *m, const Expr *e)
{
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    if (emit_coerced(m, e, &out) < 0 || buf_check(&out, m->err) < 0)
        return STR_NULL;
    return arena_str(m->arena, buf_str(&out));
}

Str emit_own_text(Emitter *m, const Expr *e)
{
    _cleanup_buf_ Buf out = BUF_INIT(EMIT_SQL_MAX);
    if (emit_expr(m, e, &out) < 0 || buf_check(&out, m->err) < 0)
        return STR_NULL;
    return arena_str(m->arena, buf_str(&out));
}
