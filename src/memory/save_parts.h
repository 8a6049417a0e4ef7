/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The bytes of the files: fields in order, each where its size aligns it, so that
 * there is nothing between them. Numbers have the file's order of bytes here.
 * What they mean is in memory/save.h and memory/words.h.
 */
#ifndef SVB_MEMORY_SAVE_PARTS_H
#define SVB_MEMORY_SAVE_PARTS_H

#include <stddef.h>

#include "memory/blocks.h"
#include "memory/clients.h"
#include "memory/history.h"
#include "memory/records.h"

#define SVB_SAVE_MAGIC "svb-save"
#define SVB_SAVE_VERSION 4

#define SVB_WORDS_MAGIC "svb-word"
#define SVB_WORDS_VERSION 2

/* Numbers of what an administrator has set, and so on: SVB_WORD_SAID_AT and those that
 * follow. */
#define SVB_NUMBERS (SVB_WORD_CLOSED_AT - SVB_WORD_SAID_AT + 1)

typedef struct svb_header_part {
    char magic[8];
    apr_uint32_t version; /* all versions begin with these two */
    apr_uint32_t nodes;
    apr_uint64_t saved;
    unsigned char secret[SVB_CLIENTS_SECRET];
    /* since version 2 */
    apr_uint64_t number;
    apr_uint64_t known_since;
    apr_uint64_t evicted_at;
    /* since version 4 */
    apr_uint64_t history_hour;
    apr_uint64_t history_week;
    apr_uint64_t fleets;
} svb_header_part;

typedef struct svb_node_part {
    char name[SVB_NAME_MAX + 1];
    char route[SVB_NAME_MAX + 1];
    apr_uint64_t admin;
    apr_uint64_t counters[SVB_COUNTERS];
    /* since version 2 */
    char said[SVB_RECORDS_TEXT + 1];
    /* since version 3 */
    apr_uint64_t numbers[SVB_NUMBERS];
    /* since version 4 */
    svb_history_node history;
} svb_node_part;

typedef struct svb_fleet_part {
    char name[SVB_NAME_MAX + 1];
    apr_uint64_t counters[SVB_FLEET_COUNTERS];
    svb_history_fleet history;
} svb_fleet_part;

typedef struct svb_client_part {
    apr_uint64_t id;
    apr_uint16_t node;
    apr_byte_t kind;
    apr_byte_t zero;
    apr_uint32_t seen;
} svb_client_part;

/* How much of them there is in a version. */
#define SVB_START_SIZE offsetof(svb_header_part, nodes)
#define SVB_HEADER_SIZE(version)                                               \
    ((version) == 1  ? offsetof(svb_header_part, number)                       \
     : (version) < 4 ? offsetof(svb_header_part, history_hour)                 \
                     : sizeof(svb_header_part))
#define SVB_NODE_SIZE(version)                                                 \
    ((version) == 1   ? offsetof(svb_node_part, said)                          \
     : (version) == 2 ? offsetof(svb_node_part, numbers)                       \
     : (version) == 3 ? offsetof(svb_node_part, history)                       \
                      : sizeof(svb_node_part))
#define SVB_WORD_SIZE(version)                                                 \
    ((version) == 1 ? offsetof(svb_word_part, numbers) : sizeof(svb_word_part))

typedef struct svb_words_header {
    char magic[8];
    apr_uint32_t version;
    apr_uint32_t nodes;
    apr_uint64_t number;
    apr_uint64_t saved;
} svb_words_header;

typedef struct svb_word_part {
    char name[SVB_NAME_MAX + 1];
    char route[SVB_NAME_MAX + 1];
    apr_uint64_t admin;
    char said[SVB_RECORDS_TEXT + 1];
    /* since version 2 */
    apr_uint64_t numbers[SVB_NUMBERS];
} svb_word_part;

/* The numbers of a node, to a part and from it. */
static inline void svb_part_take_numbers(apr_uint64_t numbers[SVB_NUMBERS],
                                         svb_records *records, int node)
{
    for (int i = 0; i < SVB_NUMBERS; i++) {
        numbers[i] = SVB_LE64(
            svb_records_get(records, node, (svb_word)(SVB_WORD_SAID_AT + i)));
    }
}

static inline void
svb_part_give_numbers(const apr_uint64_t numbers[SVB_NUMBERS],
                      svb_records *records, int node)
{
    for (int i = 0; i < SVB_NUMBERS; i++) {
        svb_records_set(records, node, (svb_word)(SVB_WORD_SAID_AT + i),
                        SVB_LE64(numbers[i]));
    }
}

/* Between the processor's order of bytes and the file's. */
static inline void svb_part_swap_node(svb_history_node *h)
{
    h->hour_since = SVB_LE64(h->hour_since);
    h->week_since = SVB_LE64(h->week_since);
    for (apr_size_t i = 0; i < sizeof(h->errors) / sizeof(h->errors[0]); i++) {
        h->errors[i] = SVB_LE32(h->errors[i]);
    }
    for (int i = 0; i < SVB_HISTORY_HOUR_PLACES; i++) {
        h->hour[i] = SVB_LE16(h->hour[i]);
    }
    for (int i = 0; i < SVB_HISTORY_WEEK_PLACES; i++) {
        h->week[i] = SVB_LE16(h->week[i]);
    }
}

static inline void svb_part_swap_fleet(svb_history_fleet *h)
{
    h->hour_since = SVB_LE64(h->hour_since);
    h->week_since = SVB_LE64(h->week_since);
    for (int track = 0; track < SVB_HISTORY_TRACKS; track++) {
        for (int i = 0; i < SVB_HISTORY_HOUR_PLACES; i++) {
            h->hour[track][i] = SVB_LE32(h->hour[track][i]);
        }
        for (int i = 0; i < SVB_HISTORY_WEEK_PLACES; i++) {
            h->week[track][i] = SVB_LE32(h->week[track][i]);
        }
    }
}

/* Whoever changes one of these has to raise the version. */
_Static_assert(SVB_HEADER_SIZE(1) == 40, "header in the file");
_Static_assert(SVB_HEADER_SIZE(2) == 64, "header in the file");
_Static_assert(sizeof(svb_header_part) == 88, "header in the file");
_Static_assert(SVB_NODE_SIZE(1) == 192, "node in the file");
_Static_assert(SVB_NODE_SIZE(2) == 312, "node in the file");
_Static_assert(SVB_NODE_SIZE(3) == 336, "node in the file");
_Static_assert(sizeof(svb_node_part) == 336 + 16 + 48 + 272 + 2032,
               "node in the file");
_Static_assert(sizeof(svb_fleet_part) == 64 + 16 + 16 + 16 * (136 + 1016),
               "fleet in the file");
_Static_assert(sizeof(svb_client_part) == 16, "client in the file");
_Static_assert(sizeof(svb_words_header) == 32, "header of the words");
_Static_assert(SVB_WORD_SIZE(1) == 256, "a node's word in the file");
_Static_assert(sizeof(svb_word_part) == 280, "a node's word in the file");
_Static_assert(SVB_WORD_FORGOT_AT == SVB_WORD_SAID_AT + 1
                   && SVB_WORD_CLOSED_AT == SVB_WORD_SAID_AT + 2,
               "numbers in the file");
_Static_assert(SVB_RECORDS_MAX <= 0x10000, "a node's number has 16 bits");
_Static_assert(SVB_KIND_WEB == 1 && SVB_KIND_SMART == 2 && SVB_KIND_ASSUMED == 3
                   && SVB_KIND_WINDOWED == 4 && SVB_KIND_REMEMBERED == 5
                   && SVB_KIND_ENDED == 6,
               "kinds in the file");

#endif /* SVB_MEMORY_SAVE_PARTS_H */
