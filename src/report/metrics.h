/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A snapshot in Prometheus' text exposition format, version 0.0.4.
 *
 * Names and labels of the metrics are public interface (the manager's
 * ?format=prometheus). Each family has its HELP and TYPE once and stands in one
 * piece; a family is written even while there is no node to tell of, so that a
 * dashboard can be built before the first one is up.
 *
 * A node without a route is called by its first member's balancer and worker,
 * "balancer://servoy ajp://app1.internal:8009": two samples with the same
 * labels would make Prometheus refuse all of them.
 */
#ifndef SVB_REPORT_METRICS_H
#define SVB_REPORT_METRICS_H

#include "report/sink.h"
#include "report/snapshot.h"

/** The media type of what is written here. */
#define SVB_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/**
 * Write the whole snapshot. The work is (families x nodes).
 * @param snap the snapshot
 * @param s where to; is flushed
 * @return what svb_sink_flush() returned. Any phase.
 */
apr_status_t svb_metrics_snapshot(const svb_snapshot *snap, svb_sink *s);

#endif /* SVB_REPORT_METRICS_H */
