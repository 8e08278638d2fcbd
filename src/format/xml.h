/* xml.h - the XML of the S3 contract: a small tree for request bodies, an escaper and element writers for
 * answers.
 *
 * xml_parse() refuses document types (so no entities of the sender's), depths over LIMIT_XML_DEPTH and more
 * nodes than the arena's budget holds. Namespaces are cut off: "ns:Key" and "Key" are the same. Text of an
 * element is all of its character data joined, not trimmed. Pure; thread-safe. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

typedef struct XmlNode XmlNode;
struct XmlNode {
    Str name;                /* arena; local name */
    Str text;                /* arena; ptr NULL when none */
    const XmlNode *children; /* first child, in the order of the text */
    const XmlNode *next;     /* sibling */
    size_t n_children;
};

/* ERR_MALFORMED_XML with line and column; ERR_LIMIT when the arena's budget is passed. */
int xml_parse(Str text, Arena *arena, const XmlNode **ret_root, Error *err);
const XmlNode *xml_child(const XmlNode *node,
                         const char *name);                /* first of that name, or NULL; node may be NULL */
Str xml_child_text(const XmlNode *node, const char *name); /* ptr NULL when absent or empty */

/* Escapes for element content and attributes. What XML 1.0 cannot hold (most control characters, malformed
 * UTF-8) becomes U+FFFD. */
void xml_escape(Buf *out, Str text);
#define XML_DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define XML_S3_NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"
void xml_open(Buf *out, const char *name);
void xml_close(Buf *out, const char *name);
void xml_element(Buf *out, const char *name, Str text);
void xml_element_int(Buf *out, const char *name, int64_t value);
void xml_element_bool(Buf *out, const char *name, bool value);
