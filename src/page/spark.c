/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "page/spark.h"

#include <string.h>

#include <apr_strings.h>

#define WIDTH 60
#define HEIGHT 20

/* Two samples come to one point: no screen shows more. */
#define EACH 2

static void add(svb_spark *spark, const svb_snap_node *node)
{
    /* the newest are at the end, of the line as of the samples */
    int offset = spark->n - 1 - node->hour_n;

    for (int i = 0; i < node->hour_n; i++) {
        if (offset + i >= 0) {
            spark->points[offset + i] += node->hour[i];
        }
    }
    spark->points[spark->n - 1] += node->web + node->smart;
}

static int samples(const svb_snap_node *node)
{
    return !node->hour                    ? 0
           : node->hour_n > SVB_SNAP_HOUR ? SVB_SNAP_HOUR
                                          : node->hour_n;
}

void svb_spark_of_node(svb_spark *spark, const svb_snap_node *node)
{
    memset(spark, 0, sizeof(*spark));
    spark->n = samples(node) + 1;
    add(spark, node);
}

void svb_spark_of_fleet(svb_spark *spark, const svb_snap_fleet *fleet)
{
    memset(spark, 0, sizeof(*spark));
    spark->n = 1;
    for (int i = 0; i < fleet->nodes->nelts; i++) {
        int n = samples(APR_ARRAY_IDX(fleet->nodes, i, svb_snap_node *)) + 1;

        spark->n = n > spark->n ? n : spark->n;
    }
    for (int i = 0; i < fleet->nodes->nelts; i++) {
        add(spark, APR_ARRAY_IDX(fleet->nodes, i, svb_snap_node *));
    }
}

void svb_spark_show(svb_view *v, const svb_spark *spark)
{
    char path[(SVB_SNAP_HOUR + 2) * 6];
    apr_pool_t *p = svb_view_pool(v);
    apr_uint64_t least = spark->points[0], most = least;
    int len = 0, last = spark->n - 1;

    for (int i = 1; i <= last; i++) {
        least = spark->points[i] < least ? spark->points[i] : least;
        most = spark->points[i] > most ? spark->points[i] : most;
    }
    for (int i = last % EACH; last >= EACH && i <= last; i += EACH) {
        apr_uint64_t up = most > 0 ? spark->points[i] * (HEIGHT - 2) / most : 0;

        len += apr_snprintf(path + len, sizeof(path) - (apr_size_t)len,
                            "%s%d %d", i < EACH ? "M" : " ",
                            WIDTH - (last - i) / EACH, HEIGHT - 1 - (int)up);
    }
    svb_view_text(v, "path", apr_pstrmemdup(p, path, (apr_size_t)len));
    svb_view_text(v, "path_says",
                  apr_psprintf(p,
                               "users, last hour: %" APR_UINT64_T_FMT
                               " to %" APR_UINT64_T_FMT
                               ", now %" APR_UINT64_T_FMT,
                               least, most, spark->points[last]));
}
