/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The pieces of page.html, and how their gaps are filled. A piece is what follows a line
 * with its name, "<!-- piece row -->", up to the next such line. Its gaps:
 *
 *     {{name}}            the text, escaped
 *     {{@name}}           the time of day: <time>
 *     {{~name}}           how long ago that is: <time>
 *     {{#name}}...{{/name}}   where there is such: a text or time that is not empty,
 *                         once; a list, for each of its items, whose names come first
 *     {{^name}}...{{/name}}   where there is not
 *     {{>piece}}          another piece
 *
 * No gap writes markup, so no text can become it. page.js does the same; a new kind of
 * gap is for both.
 *
 * Pure: one thread at a time, any phase.
 */
#ifndef SVB_PAGE_PIECES_H
#define SVB_PAGE_PIECES_H

#include "page/view.h"

/** The whole of page.html. */
extern const char svb_pieces_all[];

/** Write a piece. @param s where to @param piece its name @param v fills its gaps */
void svb_pieces_fill(svb_sink *s, const char *piece, const svb_view *v);

/** Write pieces as they are, gaps and all, as a JSON string: for the script.
 *  @param first the name of the first; all that follow come along */
void svb_pieces_raw(svb_sink *s, const char *first);

#endif /* SVB_PAGE_PIECES_H */
