/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A start tag as it stands in a document, byte for byte: where the values of its
 * attributes are. That it is one is for an XML parser to have found out; what
 * cannot be in a well-formed tag needs no care here but not to be run over.
 *
 * The encoding is UTF-16 of either order, or one in which ASCII is itself.
 *
 * Pure: no allocation, no state, no locks; usable from any thread in any phase.
 */
#ifndef SVB_LAUNCH_TAG_H
#define SVB_LAUNCH_TAG_H

#include <apr.h>

/** A tag, and how far it has been read. */
typedef struct svb_tag {
    const char *text; /**< of the document */
    apr_size_t at;    /**< where in it reading goes on */
    apr_size_t end;   /**< where the tag ends, behind its '>' */
    int unit;         /**< bytes that an ASCII character takes: 1 or 2 */
    int low;          /**< which of them is its code: 0, or 1 in UTF-16BE */
} svb_tag;

/** An attribute: its name, and its value as it is written, without quotes. */
typedef struct svb_tag_attribute {
    apr_size_t name, name_end;
    apr_size_t value, value_end;
} svb_tag_attribute;

/**
 * Begin to read a tag, and read its name.
 * @param tag   filled in; what it is at is where the name ends
 * @param text  the document
 * @param begin where the tag's '<' is
 * @param end   where it ends, at least 2 bytes further
 */
void svb_tag_open(svb_tag *tag, const char *text, apr_size_t begin,
                  apr_size_t end);

/**
 * Read the next attribute.
 * @param found its places
 * @return 1, or 0 when there is none
 */
int svb_tag_next(svb_tag *tag, svb_tag_attribute *found);

/** @return whether an attribute has this name, of ASCII characters */
int svb_tag_is_named(const svb_tag *tag, const svb_tag_attribute *found,
                     const char *name);

#endif /* SVB_LAUNCH_TAG_H */
