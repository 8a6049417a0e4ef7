/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A snapshot as JSON.
 *
 * The shape and the order of the keys are the public interface (the manager's
 * ?format=json) and only ever grow at the end of an object. Numbers are whole,
 * but for loadfactor. A string that is not known is "", so is a last_change
 * that never happened. The text is UTF-8 and ends with a newline.
 */
#ifndef SVB_REPORT_JSON_H
#define SVB_REPORT_JSON_H

#include "report/sink.h"
#include "report/snapshot.h"

/** The media type of what is written here. */
#define SVB_JSON_TYPE "application/json"

/**
 * Write the whole snapshot.
 * @param snap the snapshot
 * @param s where to; is flushed
 * @return what svb_sink_flush() returned. Any phase.
 */
apr_status_t svb_json_snapshot(const svb_snapshot *snap, svb_sink *s);

/**
 * Write one node's object alone: the answer to an action.
 * @param node the node
 * @param s where to; is flushed
 * @return what svb_sink_flush() returned. Any phase.
 */
apr_status_t svb_json_node(const svb_snap_node *node, svb_sink *s);

/**
 * Write an object that says what is wrong, instead of what was asked for.
 * @param what a sentence; any bytes
 * @param s where to; is flushed
 * @return what svb_sink_flush() returned. Any phase.
 */
apr_status_t svb_json_error(const char *what, svb_sink *s);

#endif /* SVB_REPORT_JSON_H */
