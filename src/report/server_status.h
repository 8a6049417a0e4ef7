/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A snapshot as a section of mod_status's page: a line per node.
 *
 * As HTML, without or with a table; or as "Key: value" lines, for programs that
 * read server-status?auto. Those split a line at its first ": " and take what
 * they know by its name, so names are our own, have no colon in them, and are
 * numbered as mod_proxy numbers its own:
 *
 *     ServoyNode[0]Fleet: servoy
 *     ServoyNode[0]Node: servoy1
 *     ServoyNode[0]State: ready
 *     ServoyNode[0]Web: 12
 *
 * What is written is ASCII alone, since mod_status says that its page is Latin-1.
 *
 * Pure: any thread, any phase.
 */
#ifndef SVB_REPORT_SERVER_STATUS_H
#define SVB_REPORT_SERVER_STATUS_H

#include "report/sink.h"
#include "report/snapshot.h"

/**
 * Write the section as HTML.
 * @param snap the snapshot
 * @param table a row of a table for each node; else a paragraph
 * @param s where to; is flushed
 * @return what svb_sink_flush() returned
 */
apr_status_t svb_server_status_html(const svb_snapshot *snap, int table,
                                    svb_sink *s);

/**
 * Write the section as lines.
 * @param snap the snapshot
 * @param s where to; is flushed
 * @return what svb_sink_flush() returned
 */
apr_status_t svb_server_status_lines(const svb_snapshot *snap, svb_sink *s);

#endif /* SVB_REPORT_SERVER_STATUS_H */
