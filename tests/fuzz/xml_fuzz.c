/* xml_fuzz.c - the XML reader on any bytes; what it read is escaped and read again. */
#include "format/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_node(Buf *out, const XmlNode *node)
{
    buf_puts(out, "<n>");
    xml_escape(out, node->name);
    if (node->text.ptr)
        xml_escape(out, node->text);
    for (const XmlNode *child = node->children; child; child = child->next)
        write_node(out, child);
    buf_puts(out, "</n>");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_arena_ Arena *arena = arena_new(8 << 20);
    _cleanup_buf_ Buf out = BUF_INIT(64 << 20);
    const XmlNode *root;
    Error err;
    if (xml_parse(str_of((const char *)data, size), arena, &root, &err) < 0)
        return 0;
    write_node(&out, root);
    _cleanup_arena_ Arena *second = arena_new(256 << 20);
    if (buf_check(&out, NULL) == 0 && xml_parse(buf_str(&out), second, &root, &err) < 0)
        __builtin_trap();
    return 0;
}
