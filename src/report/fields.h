/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Everything that can be shown of a node, once.
 *
 * One table says of each fact what it is called in JSON, on the page and in the
 * metrics, what it means, and where it is in the snapshot. The writers walk it:
 * JSON and metrics in its order, which is that of the JSON (public interface:
 * what is new goes where the JSON may grow); the page names those that it puts
 * into a row, and into what unfolds below. A new fact is a member of
 * svb_snap_node, a name and a row here.
 *
 * Pure: constants alone; any thread, any phase.
 */
#ifndef SVB_REPORT_FIELDS_H
#define SVB_REPORT_FIELDS_H

#include "report/snapshot.h"

/** The fields by name, in the order of the table. */
typedef enum svb_field_id {
    SVB_FIELD_ROUTE,
    SVB_FIELD_UP,
    SVB_FIELD_STATE,
    SVB_FIELD_URL,
    SVB_FIELD_GROUP,
    SVB_FIELD_LOADFACTOR,
    SVB_FIELD_MAXCLIENTS,
    SVB_FIELD_MEMBERS,
    SVB_FIELD_WEB,
    SVB_FIELD_SMART,
    SVB_FIELD_WINDOWED,
    SVB_FIELD_IN_FLIGHT,
    SVB_FIELD_ELECTED,
    SVB_FIELD_STICKY,
    SVB_FIELD_LAUNCHES,
    SVB_FIELD_FAILED_OVER_FROM,
    SVB_FIELD_FAILED_OVER_TO,
    SVB_FIELD_MAINTENANCE_HITS,
    SVB_FIELD_ERRORS,
    SVB_FIELD_BYTES_TO,
    SVB_FIELD_BYTES_FROM,
    SVB_FIELD_SAFE_TO_STOP,
    SVB_FIELD_LAST_CHANGE,
    SVB_FIELD_SINCE,
    SVB_FIELD_REASON,
    SVB_FIELD_UNTIL,
    SVB_FIELD_BEFORE,
    SVB_FIELD_HAD,
    SVB_FIELD_IDLE,
    SVB_FIELD_HELD,
    SVB_FIELD_EMPTY_BY,
    SVB_FIELD_EMPTY_SINCE,
    SVB_FIELD_MOVED,
    SVB_FIELD_RECENT_ERRORS,
    SVB_FIELD_HOST,
    SVB_FIELD_SAID,
    SVB_FIELD_OTHER_ROUTE,
    SVB_FIELDS /* how many there are */
} svb_field_id;

/** What a field's value is, and which member of svb_value has it. */
typedef enum svb_value_kind {
    SVB_VALUE_TEXT,     /* text */
    SVB_VALUE_GAUGE,    /* number: goes up and down */
    SVB_VALUE_COUNTER,  /* number: only grows, until it is reset */
    SVB_VALUE_BYTES,    /* number: likewise, of bytes */
    SVB_VALUE_FRACTION, /* fraction */
    SVB_VALUE_FLAG,     /* flag */
    SVB_VALUE_TIME,     /* time; 0: never or unknown */
    SVB_VALUE_UNTIL,    /* time; 0: it does not end by itself, or unknown */
    SVB_VALUE_STATE,    /* state; SVB_STATES: none */
    SVB_VALUE_MEMBERS,  /* members */
    SVB_VALUE_MOVED     /* moved */
} svb_value_kind;

/** A field of a certain node. */
typedef union svb_value {
    const char *text; /* the snapshot's own; NULL counts as "" */
    apr_uint64_t number;
    double fraction;
    int flag;
    apr_time_t time;
    svb_state state;
    const apr_array_header_t *members; /* of svb_snap_member * */
    const apr_array_header_t *moved;   /* of svb_snap_move */
} svb_value;

/** What is to be known about a field. */
typedef struct svb_field {
    svb_value_kind kind;
    apr_size_t offset;   /* in svb_snap_node */
    const char *key;     /* in JSON; NULL: not there */
    const char *object;  /* in JSON: the object within the node's own that it is
                          * in, or NULL; those of an object stand together */
    const char *heading; /* on the page; NULL: not there, or under another's */
    const char *help;    /* what it is, without a full stop; NULL where neither
                          * the page nor the metrics ask */
    const char
        *metric; /* its family, or NULL; those of a family stand together,
                          * and the first one's help is the family's */
    const char *label, *value; /* besides fleet and node: what tells those of a
                                * family apart; or NULL. A state's value is its
                                * own */
} svb_field;

/** The table; indexed by svb_field_id. */
extern const svb_field svb_fields[SVB_FIELDS];

/**
 * Read a field of a node.
 * @param field the field, one of svb_fields
 * @param node the node
 * @return the value, in the member that the field's kind names; it lives as long
 *         as the snapshot
 */
svb_value svb_fields_read(const svb_field *field, const svb_snap_node *node);

#endif /* SVB_REPORT_FIELDS_H */
