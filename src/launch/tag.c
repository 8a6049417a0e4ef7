/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "launch/tag.h"

#include <string.h>

#define BLANKS " \t\r\n"

enum { END_OF_TAG = -1, NOT_ASCII = 0x100 };

/* The character at hand. One that is not ASCII is anything from 0x80 on. */
static int peek(const svb_tag *t)
{
    const char *s = t->text + t->at;

    if (t->end - t->at < (apr_size_t)t->unit) {
        return END_OF_TAG;
    }
    if (t->unit == 2 && s[!t->low]) {
        return NOT_ASCII;
    }
    return (unsigned char)s[t->low];
}

static void next(svb_tag *t)
{
    t->at += (apr_size_t)t->unit;
}

static int is_one_of(int c, const char *set)
{
    return c > 0 && c < 0x80 && strchr(set, c);
}

/* Goes on to the first character of the set; returns it, or END_OF_TAG. */
static int find(svb_tag *t, const char *set)
{
    int c;

    while ((c = peek(t)) != END_OF_TAG && !is_one_of(c, set)) {
        next(t);
    }
    return c;
}

/* The encoding shows in the '<': in no other than UTF-16 has that a NUL beside
 * it. */
void svb_tag_open(svb_tag *tag, const char *text, apr_size_t begin,
                  apr_size_t end)
{
    const char *s = text + begin;

    *tag = (svb_tag){text, begin, end, !s[0] || !s[1] ? 2 : 1, !s[0]};
    find(tag, "/>" BLANKS);
}

int svb_tag_next(svb_tag *tag, svb_tag_attribute *found)
{
    int quote;

    while (is_one_of(peek(tag), BLANKS)) {
        next(tag);
    }
    if (is_one_of(peek(tag), "/>")) {
        return 0;
    }
    found->name = tag->at;
    find(tag, "=" BLANKS);
    found->name_end = tag->at;
    quote = find(tag, "\"'");
    if (quote == END_OF_TAG) {
        return 0;
    }
    next(tag);
    found->value = tag->at;
    if (find(tag, quote == '"' ? "\"" : "'") == END_OF_TAG) {
        return 0;
    }
    found->value_end = tag->at;
    next(tag);
    return 1;
}

int svb_tag_is_named(const svb_tag *tag, const svb_tag_attribute *found,
                     const char *name)
{
    svb_tag t = *tag;

    t.at = found->name;
    t.end = found->name_end;
    while (*name && peek(&t) == *name) {
        name++;
        next(&t);
    }
    return !*name && peek(&t) == END_OF_TAG;
}
