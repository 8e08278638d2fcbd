/* xml.c - see xml.h. */
#include "format/xml.h"

#include <expat.h>

#include "base/limits.h"

typedef struct XmlOpen {
    XmlNode *node;
    XmlNode *last_child;
    Buf text;
} XmlOpen;

typedef struct XmlReader {
    XML_Parser parser;
    Arena *arena;
    XmlOpen stack[LIMIT_XML_DEPTH];
    size_t depth;
    XmlNode *root;
    const char *refused; /* why we stopped; static */
} XmlReader;

static void xml_stop(XmlReader *reader, const char *why)
{
    if (!reader->refused)
        reader->refused = why;
    XML_StopParser(reader->parser, XML_FALSE);
}

static void XMLCALL xml_on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
    XmlReader *reader = user;
    (void)attributes;
    if (reader->refused)
        return;
    if (reader->depth == LIMIT_XML_DEPTH)
        return xml_stop(reader, "nested too deeply");
    if (arena_is_exceeded(reader->arena))
        return xml_stop(reader, "too large");
    const char *colon = strrchr(name, ':');
    XmlNode *node = arena_new_of(reader->arena, XmlNode);
    node->name = arena_str(reader->arena, str_from(colon ? colon + 1 : name));
    if (reader->depth) {
        XmlOpen *parent = &reader->stack[reader->depth - 1];
        if (parent->last_child) {
            parent->last_child->next = node;
        } else {
            parent->node->children = node;
        }
        parent->last_child = node;
        parent->node->n_children++;
    } else {
        reader->root = node;
    }
    XmlOpen *open = &reader->stack[reader->depth++];
    open->node = node;
    open->last_child = NULL;
    buf_clear(&open->text);
}

static void XMLCALL xml_on_end(void *user, const XML_Char *name)
{
    XmlReader *reader = user;
    (void)name;
    if (reader->refused)
        return;
    XmlOpen *open = &reader->stack[--reader->depth];
    if (open->text.len)
        open->node->text = arena_str(reader->arena, buf_str(&open->text));
}

static void XMLCALL xml_on_text(void *user, const XML_Char *text, int n)
{
    XmlReader *reader = user;
    if (reader->refused || reader->depth == 0)
        return;
    if (buf_append(&reader->stack[reader->depth - 1].text, text, (size_t)n) < 0)
        xml_stop(reader, "too large");
}

static void XMLCALL xml_on_doctype(void *user, const XML_Char *name, const XML_Char *system_id,
                                   const XML_Char *public_id, int has_internal_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)has_internal_subset;
    xml_stop(user, "document types are not accepted");
}

int xml_parse(Str text, Arena *arena, const XmlNode **ret_root, Error *err)
{
    enum { TEXT_MAX = 64 * 1024 }; /* of one element; keys are 1,024 bytes, the rest is shorter */
    if (text.len > INT32_MAX)
        return err_set(err, ERR_LIMIT, "XML of %zu bytes is too large", text.len);
    XmlReader reader = {.arena = arena, .parser = XML_ParserCreate(NULL)};
    if (!reader.parser)
        return err_set(err, ERR_OVERLOADED, "no memory to parse XML");
    for (size_t i = 0; i < LIMIT_XML_DEPTH; i++)
        reader.stack[i].text = BUF_INIT(TEXT_MAX);
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, xml_on_start, xml_on_end);
    XML_SetCharacterDataHandler(reader.parser, xml_on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, xml_on_doctype);
    int result = 0;
    if (XML_Parse(reader.parser, text.ptr ? text.ptr : "", (int)text.len, XML_TRUE) != XML_STATUS_OK ||
        reader.refused) {
        const char *why = reader.refused ? reader.refused : XML_ErrorString(XML_GetErrorCode(reader.parser));
        result = err_set(err, ERR_MALFORMED_XML, "the XML is not well-formed at line %lu, column %lu: %s",
                         (unsigned long)XML_GetCurrentLineNumber(reader.parser),
                         (unsigned long)XML_GetCurrentColumnNumber(reader.parser) + 1, why);
    } else {
        result = arena_check(arena, err);
    }
    for (size_t i = 0; i < LIMIT_XML_DEPTH; i++)
        buf_free(&reader.stack[i].text);
    XML_ParserFree(reader.parser);
    if (result == 0)
        *ret_root = reader.root;
    return result;
}

const XmlNode *xml_child(const XmlNode *node, const char *name)
{
    for (const XmlNode *child = node ? node->children : NULL; child; child = child->next) {
        if (str_is(child->name, name))
            return child;
    }
    return NULL;
}

Str xml_child_text(const XmlNode *node, const char *name)
{
    const XmlNode *child = xml_child(node, name);
    return child ? child->text : STR_NULL;
}

/* ---- writing ---- */

static const char *xml_escape_of(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    case '\t':
        return "&#x9;";
    case '\n':
        return "&#xA;";
    case '\r':
        return "&#xD;";
    }
    return c < 0x20 ? "\xEF\xBF\xBD" : NULL;
}

void xml_escape(Buf *out, Str text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len;) {
        unsigned char c = (unsigned char)text.ptr[i];
        size_t step = 1;
        const char *replacement = NULL;
        if (c < 0x80) {
            replacement = xml_escape_of(c);
        } else {
            uint32_t code_point;
            step = utf8_decode(str_of(text.ptr + i, text.len - i), &code_point);
            if (step == 0 || code_point == 0xFFFE || code_point == 0xFFFF)
                replacement = "\xEF\xBF\xBD";
            if (step == 0)
                step = 1;
        }
        if (replacement) {
            if (i > from)
                buf_append(out, text.ptr + from, i - from);
            buf_puts(out, replacement);
            from = i + step;
        }
        i += step;
    }
    if (text.len > from)
        buf_append(out, text.ptr + from, text.len - from);
}

void xml_open(Buf *out, const char *name)
{
    buf_putc(out, '<');
    buf_puts(out, name);
    buf_putc(out, '>');
}

void xml_close(Buf *out, const char *name)
{
    buf_append(out, "</", 2);
    buf_puts(out, name);
    buf_putc(out, '>');
}

void xml_element(Buf *out, const char *name, Str text)
{
    xml_open(out, name);
    xml_escape(out, text);
    xml_close(out, name);
}

void xml_element_int(Buf *out, const char *name, int64_t value)
{
    xml_open(out, name);
    buf_put_i64(out, value);
    xml_close(out, name);
}

void xml_element_bool(Buf *out, const char *name, bool value)
{
    xml_element(out, name, value ? STR("true") : STR("false"));
}
