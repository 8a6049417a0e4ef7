/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * libFuzzer target: the manager's writers. The input becomes all the strings and
 * numbers of a snapshot; page, JSON and metrics made of it must be well-formed,
 * and outside of texts, attributes, strings and labels be what they are for the
 * same snapshot with harmless strings: no input can become markup, a key or a
 * line.
 *
 * The input: the node's state and some flags (a byte each), a number (8 bytes),
 * then strings, with '|' in between.
 */

#include "report/json.h"
#include "report/metrics.h"
#include "page/page.h"
#include "output.h"

#define HEAD 10

/* Where a snapshot's strings come from. */
typedef struct source {
    apr_pool_t *p;
    const char *left;
    int harmless; /* an "x" for each that is not empty */
} source;

static const char *is_link(const char *url)
{
    return !strncmp(url, "http://", 7)    ? "http://x"
           : !strncmp(url, "https://", 8) ? "https://x"
                                          : NULL;
}

static const char *next(source *from)
{
    size_t len = strcspn(from->left, "|");
    char *text = apr_palloc(from->p, len + 1);

    memcpy(text, from->left, len);
    text[len] = '\0';
    from->left += len + (from->left[len] == '|');
    if (from->harmless && len) {
        return is_link(text) ? is_link(text) : "x";
    }
    return text;
}

static void add_node(svb_snap_fleet *fleet, source *from, const uint8_t *head,
                     apr_uint64_t number)
{
    svb_snap_node *node = svb_snap_fleet_add_node(from->p, fleet, next(from));

    node->state = (svb_state)(head[0] % SVB_STATES);
    node->url = next(from);
    node->group = next(from);
    node->reason = head[1] & 2 ? next(from) : NULL;
    node->loadfactor = (double)number / 1e6;
    node->maxclients = number >> (head[1] & 31);
    node->web = number;
    node->smart = number >> 16;
    node->in_flight = number >> 32;
    node->bytes_to = node->bytes_from = number;
    node->safe_to_stop = head[1] & 4;
    node->had = number >> 8;
    node->idle = node->held = number & 1;
    node->host = node->said = next(from);
    node->other_route = head[1] & 8 ? next(from) : "";
    *(svb_snap_move *)apr_array_push(node->moved) =
        (svb_snap_move){next(from), number & 7};
    node->last_change = (apr_time_t)number;
    for (int i = 0; i < SVB_COUNTERS; i++) {
        node->counters[i] = number << i;
    }
    for (int i = 0; i < head[1] >> 6; i++) {
        svb_snap_member *member = svb_snap_node_add_member(from->p, node);

        member->balancer = next(from);
        member->worker = next(from);
        member->status = next(from);
        member->busy = number;
        member->lbset = (int)number;
    }
}

static svb_snapshot *make(source *from, const uint8_t *head)
{
    svb_snapshot *snap = svb_snapshot_make(from->p);
    apr_uint64_t number = 0;

    memcpy(&number, head + 2, sizeof(number));
    snap->module = next(from);
    snap->server = next(from);
    snap->nonce = next(from);
    snap->actions = head[1] & 1;
    snap->time = (apr_time_t)(number >> 1);
    snap->started = (apr_time_t)(number >> 3);
    snap->table.capacity = snap->table.bytes = number;
    snap->table.evicted = number & 3;
    snap->table.evicted_at = (apr_time_t)(number >> 2);
    for (int i = 0; i < 1 + (head[1] >> 3 & 1); i++) {
        svb_snap_fleet *fleet =
            svb_snapshot_add_fleet(from->p, snap, next(from));

        svb_snap_fleet_add_balancer(fleet, next(from));
        svb_snap_fleet_add_balancer(fleet, next(from));
        add_node(fleet, from, head, number);
        add_node(fleet, from, head + 1, number >> 7);
        *(svb_snap_event *)apr_array_push(snap->events) =
            (svb_snap_event){.time = (apr_time_t)number,
                             .kind = "state",
                             .fleet = next(from),
                             .node = next(from),
                             .from = "ready",
                             .to = "error",
                             .reason = next(from)};
    }
    return snap;
}

/* --------------------------------------------------------- what must not differ */

static void keep(output *out, const char *text, size_t len)
{
    if (len) {
        to_output(out, text, len);
    }
}

/* From a quote to behind the next one. */
static const char *attribute(const char *html)
{
    size_t len = strcspn(++html, "\"");

    MUST(html[len] && !memchr(html, '<', len));
    MUST(!memchr(html, '>', len) && !memchr(html, '\'', len));
    return html + len + 1;
}

/* What is neither text nor the value of an attribute. The page's own script and
 * style are left out: nothing comes into them. */
static void page_skeleton(const char *html, output *out)
{
    while (*html) {
        const char *tag = html + strcspn(html, "<");
        size_t len = 0;

        MUST(!memchr(html, '>', (size_t)(tag - html)));
        for (html = tag; *html && *html != '>'; html += len) {
            if (*html == '"') {
                html = attribute(html);
            }
            len = strcspn(html, ">\"");
            keep(out, html, len);
        }
        MUST(!*tag || *html++ == '>');
        if (!strncmp(tag, "<style", 6) || !strncmp(tag, "<script", 7)) {
            html = strstr(html, tag[2] == 't' ? "</style>" : "</script>");
            MUST(html);
        }
    }
}

/* What is not in a string. */
static void quoted_skeleton(const char *text, output *out)
{
    for (;;) {
        size_t len = strcspn(text, "\"");

        keep(out, text, len);
        text += len;
        if (!*text) {
            return;
        }
        for (text++; *text != '"'; text++) {
            MUST((unsigned char)*text >= 0x20);
            if (*text == '\\') {
                MUST(*++text);
            }
        }
        text++;
    }
}

/* ------------------------------------------------------------------------- JSON */

static const char *json_value(const char *s, int depth);

static const char *json_string(const char *s)
{
    MUST(*s++ == '"');
    for (; *s != '"'; s++) {
        MUST((unsigned char)*s >= 0x20);
        if (*s == '\\') {
            MUST(*++s && strchr("\"\\/bfnrtu", *s));
            if (*s == 'u') {
                MUST(strspn(s + 1, "0123456789abcdefABCDEF") >= 4);
                s += 4;
            }
        }
    }
    return s + 1;
}

static const char *json_number(const char *s)
{
    static const char digits[] = "0123456789";
    size_t n;

    s += *s == '-';
    n = strspn(s, digits);
    MUST(n == 1 || (n > 1 && *s != '0'));
    s += n;
    if (*s == '.') {
        n = strspn(++s, digits);
        MUST(n > 0);
        s += n;
    }
    return s;
}

static const char *json_blank(const char *s)
{
    return s + strspn(s, " \n");
}

/* What is between brackets: pairs in an object, values in an array. */
static const char *json_list(const char *s, char end, int depth)
{
    s = json_blank(s + 1);
    if (*s == end) {
        return s + 1;
    }
    for (;;) {
        if (end == '}') {
            s = json_blank(json_string(s));
            MUST(*s++ == ':');
        }
        s = json_blank(json_value(json_blank(s), depth + 1));
        if (*s == end) {
            return s + 1;
        }
        MUST(*s == ',');
        s = json_blank(s + 1);
    }
}

static const char *json_value(const char *s, int depth)
{
    MUST(depth < 10);
    switch (*s) {
    case '{':
        return json_list(s, '}', depth);
    case '[':
        return json_list(s, ']', depth);
    case '"':
        return json_string(s);
    case 't':
        MUST(!strncmp(s, "true", 4));
        return s + 4;
    case 'f':
        MUST(!strncmp(s, "false", 5));
        return s + 5;
    case 'n':
        MUST(!strncmp(s, "null", 4));
        return s + 4;
    default:
        return json_number(s);
    }
}

static void check_json(const char *text)
{
    MUST(!strcmp(json_value(text, 0), "\n"));
}

/* ---------------------------------------------------------------------- metrics */

/* "name{label="value",...} 1.5" up to the newline */
static const char *metrics_sample(const char *s)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyz_";

    MUST(!strncmp(s, "servoy_", 7));
    s += strspn(s, name);
    if (*s == '{') {
        do {
            size_t n = strspn(++s, name);

            MUST(n > 0 && s[n] == '=' && s[n + 1] == '"');
            for (s += n + 2; *s != '"'; s++) {
                MUST(*s && *s != '\n');
                if (*s == '\\') {
                    MUST(*++s && strchr("\\\"n", *s));
                }
            }
            s++;
        } while (*s == ',');
        MUST(*s++ == '}');
    }
    MUST(*s++ == ' ');
    return json_number(s);
}

static void check_metrics(const char *text)
{
    while (*text) {
        if (!strncmp(text, "# HELP servoy_", 14)
            || !strncmp(text, "# TYPE servoy_", 14)) {
            text += strcspn(text, "\n");
        }
        else {
            text = metrics_sample(text);
        }
        MUST(*text++ == '\n');
    }
}

static void check_page(const char *text)
{
    MUST(!strncmp(text, "<!DOCTYPE html>\n", 16));
}

/* ------------------------------------------------------------------------------ */

static apr_status_t write_page(const svb_snapshot *snap, svb_sink *s)
{
    svb_place place = {.only_trouble = snap->actions};

    place.open[0] = APR_ARRAY_IDX(snap->fleets, 0, svb_snap_fleet *)->name;
    return svb_page_write(snap, &place, snap->nonce, s);
}

static const struct {
    apr_status_t (*write)(const svb_snapshot *snap, svb_sink *s);
    void (*check)(const char *text);
    void (*skeleton)(const char *text, output *out);
} writers[] = {
    {write_page, check_page, page_skeleton},
    {svb_json_snapshot, check_json, quoted_skeleton},
    {svb_metrics_snapshot, check_metrics, quoted_skeleton},
};

static void check_writer(size_t i, const svb_snapshot *snap, output *skeleton)
{
    output out = {NULL, 0, 0};
    svb_sink s;

    svb_sink_init(&s, to_output, &out);
    MUST(writers[i].write(snap, &s) == APR_SUCCESS);
    MUST(strlen(out.text) == out.len);
    check_utf8(out.text, out.len);
    writers[i].check(out.text);
    writers[i].skeleton(out.text, skeleton);
    free(out.text);
}

/* Whatever the nonce: one line of so many parts. */
static void check_csp(apr_pool_t *p, const char *nonce)
{
    const char *csp = svb_page_csp(p, nonce), *at = csp;
    int parts = 1;

    for (; *at; at++) {
        MUST(*at >= 0x20 && *at < 0x7f && *at != ',');
        parts += *at == ';';
    }
    MUST(parts == 8);
    MUST(strstr(csp, "default-src 'none'; ") == csp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    svb_snapshot *snap, *twin;
    apr_pool_t *p;
    char *text;

    if (size < HEAD) {
        return 0;
    }
    apr_pool_create(&p, root_pool());
    text = input_text(data + HEAD, size - HEAD);
    snap = make(&(source){p, text, 0}, data);
    twin = make(&(source){p, text, 1}, data);
    check_csp(p, snap->nonce);
    for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        output is = {NULL, 0, 0}, should = {NULL, 0, 0};

        check_writer(i, snap, &is);
        check_writer(i, twin, &should);
        MUST(is.len == should.len && !memcmp(is.text, should.text, is.len));
        free(is.text);
        free(should.text);
    }
    free(text);
    apr_pool_destroy(p);
    return 0;
}
