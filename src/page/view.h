/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What the page shows, before it is markup: names with values, and lists of such views
 * within one another. The pieces of page.html are filled from it by the server
 * (page/pieces.h); the page's script gets the same view as JSON and fills the same
 * pieces, so that the two cannot differ.
 *
 *     svb_view_text(v, "server", "www.example.com");
 *     svb_view_time(v, "time", now);
 *     svb_view_list(v, "rows", nodes->nelts, fill_row, &table);
 *
 * An item of a list is made when it is its turn, in a pool of its own, and gone after
 * it: however many there are, one takes up memory.
 *
 * Pure: one thread at a time, any phase.
 */
#ifndef SVB_PAGE_VIEW_H
#define SVB_PAGE_VIEW_H

#include <apr_pools.h>
#include <apr_time.h>

#include "report/sink.h"

typedef struct svb_view svb_view;

/**
 * Fills an item of a list.
 * @param item the item, empty
 * @param baton what the list was given
 * @param at the item's place, from 0
 */
typedef void svb_view_fill_fn(svb_view *item, const void *baton, int at);

/** What a name has. */
typedef enum svb_view_kind {
    SVB_VIEW_TEXT,
    SVB_VIEW_TIME,
    SVB_VIEW_LIST
} svb_view_kind;

/** A name and its value. */
typedef struct svb_view_entry {
    const char *name;
    svb_view_kind kind;
    int n;                  /* items of a list */
    const char *text;       /* of a text */
    apr_time_t time;        /* of a time; 0: none */
    svb_view_fill_fn *fill; /* of a list */
    const void *baton;
} svb_view_entry;

/** @param p owns the view @param now the time that ages are told by */
svb_view *svb_view_make(apr_pool_t *p, apr_time_t now);

/** The pool in which what a view needs can be made; lives as long as the view. */
apr_pool_t *svb_view_pool(const svb_view *v);

/** The time that ages are told by. */
apr_time_t svb_view_now(const svb_view *v);

/** Set a text; neither it nor the name is copied. NULL counts as "". */
void svb_view_text(svb_view *v, const char *name, const char *text);

/** Set a number, as a text. */
void svb_view_uint(svb_view *v, const char *name, apr_uint64_t n);

/** Set a time; 0: there is none. */
void svb_view_time(svb_view *v, const char *name, apr_time_t t);

/** Set a list. @param n how many items @param fill makes each @param baton for it */
void svb_view_list(svb_view *v, const char *name, int n, svb_view_fill_fn *fill,
                   const void *baton);

/**
 * Find a name: here or, for an item, in what its list is in.
 * @param v the view
 * @param name the name, len bytes
 * @param len its length
 * @return the entry, or NULL
 */
const svb_view_entry *svb_view_find(const svb_view *v, const char *name,
                                    apr_size_t len);

/** What is done with an item. */
typedef void svb_view_item_fn(const svb_view *item, void *baton, int at);

/** Make the items of a list, one after the other, and do that with each. */
void svb_view_each(const svb_view *v, const svb_view_entry *list,
                   svb_view_item_fn *with, void *baton);

/** Write a view as a JSON object: texts as they are, times in seconds. */
void svb_view_json(svb_sink *s, const svb_view *v);

/** What stands for a text in a URL's query or fragment. @param p owns it */
const char *svb_view_url(apr_pool_t *p, const char *text);

/** A fraction as people write it, with two digits after the point at most: "0.5", "2".
 *  @param p owns it */
const char *svb_view_fraction(apr_pool_t *p, double fraction);

#endif /* SVB_PAGE_VIEW_H */
