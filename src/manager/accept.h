/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What a client would like, by its Accept header.
 *
 * - Who takes HTML is a browser and gets the page, whatever else it takes.
 * - JSON is for who names application/json.
 * - Prometheus and what reads like it (its agent, vmagent, the OpenTelemetry
 *   collector, Telegraf) name application/openmetrics-text, or text/plain with a
 *   version, among others: all of them take the text format 0.0.4.
 * - Of the last two the one that is named first counts. Weights do not, but that
 *   a q of 0 means "not this".
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_MANAGER_ACCEPT_H
#define SVB_MANAGER_ACCEPT_H

/** What the manager can write. */
typedef enum svb_accept {
    SVB_ACCEPT_HTML, /* also where nothing is said, or nothing that we know */
    SVB_ACCEPT_JSON,
    SVB_ACCEPT_PROMETHEUS,
    SVB_ACCEPTS /* how many there are */
} svb_accept;

/**
 * Read the header.
 * @param header its value, any bytes, or NULL
 * @return what is wanted
 */
svb_accept svb_accept_read(const char *header);

#endif /* SVB_MANAGER_ACCEPT_H */
