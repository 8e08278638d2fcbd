/* xml_test.c - the XML reader's limits and the escaper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "format/xml.h"

static const XmlNode *parse(Arena *arena, const char *text, Error *err)
{
    const XmlNode *root = NULL;
    return xml_parse(str_from(text), arena, &root, err) == 0 ? root : NULL;
}

static void test_tree(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Error err;
    const XmlNode *root =
        parse(arena,
              "<?xml version='1.0'?><s:Delete xmlns:s='u'><Object><Key> a&amp;b&#x20ac; </Key></Object>"
              "<Object><Key/></Object><Quiet>true</Quiet></s:Delete>",
              &err);
    assert_non_null(root);
    assert_true(str_is(root->name, "Delete"));
    assert_int_equal(root->n_children, 3);
    assert_true(str_is(xml_child_text(root->children, "Key"), " a&b\xe2\x82\xac "));
    assert_null(xml_child_text(root->children->next, "Key").ptr);
    assert_true(str_is(xml_child_text(root, "Quiet"), "true"));
    assert_null(xml_child(root, "Missing"));
}

static void test_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "<a>",
        "<a></b>",
        "plain",
        "<a/><b/>",
        "<a>&undefined;</a>",
        "<a>\x01</a>",
        "<a>\xff</a>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></a></a></"
        "a></a></a></a></a></a>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        _cleanup_arena_ Arena *arena = arena_new(1 << 20);
        Error err = {0};
        assert_null(parse(arena, bad[i], &err));
        assert_int_equal(err.code, ERR_MALFORMED_XML);
    }
}

static void test_budget(void **state)
{
    _cleanup_arena_ Arena *arena = arena_new(64 * 1024);
    _cleanup_buf_ Buf text = BUF_INIT(1 << 20);
    buf_puts(&text, "<a>");
    for (int i = 0; i < 20000; i++)
        buf_puts(&text, "<b/>");
    buf_puts(&text, "</a>");
    const XmlNode *root;
    Error err = {0};
    assert_int_equal(xml_parse(buf_str(&text), arena, &root, &err), -1);
}

static void test_escape(void **state)
{
    _cleanup_buf_ Buf out = BUF_INIT(1 << 16);
    xml_escape(&out, STR("a<b>&\"'\n\x01\xff\xe2\x82\xac"));
    assert_string_equal(out.data, "a&lt;b&gt;&amp;&quot;&apos;&#xA;\xEF\xBF\xBD\xEF\xBF\xBD\xe2\x82\xac");
    buf_clear(&out);
    xml_element_int(&out, "Size", -5);
    xml_element_bool(&out, "Is", true);
    xml_element(&out, "E", STR(""));
    assert_string_equal(out.data, "<Size>-5</Size><Is>true</Is><E></E>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
