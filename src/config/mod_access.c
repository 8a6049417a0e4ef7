/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_access.h"

#include <apr_strings.h>
#include <http_core.h>

#include "config/mod_tree.h"

/* What a section says of who may come in. */
typedef enum { SAYS_NOTHING, OPEN, SHUT } entrance;

static int is(const ap_directive_t *node, const char *name)
{
    return !ap_cstr_casecmp(node->directive, name);
}

/* ---------------------------------------------------------------- one section */

static entrance of_lines(const ap_directive_t *node, int all_of_them);

/* "all granted" lets everybody in; whatever else may stand there, not everybody. */
static entrance of_require(const ap_directive_t *node)
{
    char words[3][8] = {"", "", ""};
    const char *args = node->args;

    for (int i = 0; i < 3 && *args; i++) {
        apr_size_t len = strcspn(args, " \t");

        apr_cpystrn(words[i], args,
                    len < sizeof(words[i]) ? len + 1 : sizeof(words[i]));
        args += len;
        args += strspn(args, " \t");
    }
    return !ap_cstr_casecmp(words[0], "all")
                   && !ap_cstr_casecmp(words[1], "granted") && !*words[2]
               ? OPEN
               : SHUT;
}

/* Of the old words, "Allow from all" says nothing more than none of them. */
static int is_old_and_shuts(const ap_directive_t *node)
{
    const char *args = node->args;

    if (is(node, "Deny")) {
        return 1;
    }
    return is(node, "Allow")
           && !(!ap_cstr_casecmpn(args, "from", 4)
                && !ap_cstr_casecmp(args + 4 + strspn(args + 4, " \t"), "all"));
}

/* Other things that keep people out. */
static int shuts(const ap_directive_t *node)
{
    return is_old_and_shuts(node) || is(node, "SSLRequire")
           || (is(node, "AuthMerging") && ap_cstr_casecmp(node->args, "off"))
           || (is(node, "SSLVerifyClient")
               && !ap_cstr_casecmp(node->args, "require"));
}

static entrance of_line(const ap_directive_t *node)
{
    if (is(node, "Require")) {
        return of_require(node);
    }
    if (is(node, "<RequireAny")) {
        return of_lines(node->first_child, 0);
    }
    if (is(node, "<RequireAll")) {
        return of_lines(node->first_child, 1);
    }
    if (is(node, "<RequireNone")) {
        return SHUT;
    }
    if (shuts(node)) {
        return SHUT;
    }
    /* <Limit>, <If> and the like: for some requests it may be shut. */
    return node->first_child && of_lines(node->first_child, 1) == SHUT
               ? SHUT
               : SAYS_NOTHING;
}

/* Of several, one that is open is enough, unless all of them are needed; but what is
 * no Require line shuts alone. */
static entrance of_lines(const ap_directive_t *node, int all_of_them)
{
    entrance whole = SAYS_NOTHING;

    for (; node; node = node->next) {
        entrance one = of_line(node);
        int is_require = !ap_cstr_casecmpn(node->directive, "Require", 7)
                         || !ap_cstr_casecmpn(node->directive, "<Require", 8);

        if (one == SHUT && (all_of_them || !is_require)) {
            return SHUT;
        }
        if (one == OPEN || whole == SAYS_NOTHING) {
            whole = one == SAYS_NOTHING ? whole : one;
        }
    }
    return whole;
}

/* ----------------------------------------------------------- the ones around it */

static void add_sections(apr_array_header_t *list, apr_pool_t *p,
                         const server_rec *s, const char *name)
{
    apr_array_header_t *lines = svb_tree_lines(p, s, name);

    for (int i = 0; i < lines->nelts; i++) {
        APR_ARRAY_PUSH(list, const ap_directive_t *) =
            APR_ARRAY_IDX(lines, i, svb_tree_line).line;
    }
}

/* The sections of a kind that a server has or inherits. */
static apr_array_header_t *sections_of(const svb_model *model,
                                       const server_rec *s,
                                       const char *const names[])
{
    apr_array_header_t *list =
        apr_array_make(model->pool, 8, sizeof(ap_directive_t *));

    for (; *names; names++) {
        add_sections(list, model->pool, model->main_server, *names);
        if (s->is_virtual) {
            add_sections(list, model->pool, s, *names);
        }
    }
    return list;
}

static int shuts_anyhow(const ap_directive_t *section)
{
    for (const ap_directive_t *node = section->first_child; node;
         node = node->next) {
        if (shuts(node)) {
            return 1;
        }
    }
    return 0;
}

/* What holds for a place by these sections: the nearest that says anything, of those
 * as near the last one. What is for a pattern, or shuts by other words than Require,
 * may be overruled or not; if it shuts, then so it be.
 * @param by_length the longest is nearest, as among directories; else the last */
static entrance of_place(apr_pool_t *p, const apr_array_header_t *sections,
                         const char *place, int by_length)
{
    entrance nearest = SAYS_NOTHING;
    apr_size_t len = 0;

    for (int i = 0; i < sections->nelts; i++) {
        const ap_directive_t *section =
            APR_ARRAY_IDX(sections, i, const ap_directive_t *);
        const char *its_place = svb_tree_place(p, section);
        entrance says = of_lines(section->first_child, 0);

        if (its_place ? !svb_tree_covers(its_place, place)
                      : !svb_tree_is_pattern_for(p, section, place)) {
            continue;
        }
        if (says == SHUT && (!its_place || shuts_anyhow(section))) {
            return SHUT;
        }
        if (says != SAYS_NOTHING && its_place
            && (!by_length || strlen(its_place) >= len)) {
            nearest = says;
            len = strlen(its_place);
        }
    }
    return nearest;
}

static const char *document_root(const server_rec *s)
{
    const core_server_config *core =
        ap_get_core_module_config(s->module_config);

    return core->ap_document_root ? core->ap_document_root : "/";
}

static int is_open(const svb_model *model, const server_rec *s,
                   const char *place)
{
    static const char *const locations[] = {"<Location", "<LocationMatch",
                                            NULL};
    static const char *const directories[] = {"<Directory", "<DirectoryMatch",
                                              NULL};
    entrance says =
        of_place(model->pool, sections_of(model, s, locations), place, 0);

    /* Where no <Location> says anything, the file counts that would be there. */
    if (says == SAYS_NOTHING) {
        says = of_place(model->pool, sections_of(model, s, directories),
                        apr_pstrcat(model->pool, document_root(s), "/",
                                    place + (*place == '/'), NULL),
                        1);
    }
    return says != SHUT;
}

/* ------------------------------------------------------------------- the manager */

/* A virtual host that is reached from its own machine alone. */
static int is_for_this_machine(const server_rec *s)
{
    for (const server_addr_rec *a = s->addrs; a; a = a->next) {
        char *address;

        if (!a->host_addr
            || apr_sockaddr_ip_get(&address, a->host_addr) != APR_SUCCESS
            || (strncmp(address, "127.", 4) && strcmp(address, "::1"))) {
            return 0;
        }
    }
    return s->is_virtual && s->addrs;
}

/* A client's certificate may be asked of all of a server. */
static int asks_certificates(const svb_model *model, const server_rec *s)
{
    apr_array_header_t *lines =
        svb_tree_lines(model->pool, s, "SSLVerifyClient");

    for (int i = 0; i < lines->nelts; i++) {
        const svb_tree_line *at = &APR_ARRAY_IDX(lines, i, svb_tree_line);

        if (!at->section && shuts(at->line)) {
            return 1;
        }
    }
    return 0;
}

static int lets_everybody_in(const svb_model *model, const server_rec *s,
                             const char *place)
{
    return !is_for_this_machine(s) && !asks_certificates(model, s)
           && is_open(model, s, place);
}

/* The main server's places are all servers'; where there are virtual hosts, it is they
 * that are asked. */
static int is_open_anywhere(const svb_model *model, const server_rec *s,
                            const char *place)
{
    if (s->is_virtual || !s->next) {
        return lets_everybody_in(model, s, place);
    }
    for (s = s->next; s; s = s->next) {
        if (lets_everybody_in(model, s, place)) {
            return 1;
        }
    }
    return 0;
}

static void check_server(svb_model *model, server_rec *s)
{
    apr_array_header_t *lines =
        svb_tree_lines(model->pool, s, "ServoyManagerActions");

    for (int i = 0; i < lines->nelts; i++) {
        const svb_tree_line *at = &APR_ARRAY_IDX(lines, i, svb_tree_line);
        const char *place = at->section && is(at->section, "<Location")
                                ? svb_tree_place(model->pool, at->section)
                                : NULL;

        if (place && !ap_cstr_casecmp(at->line->args, "on")
            && is_open_anywhere(model, s, place)) {
            svb_model_problem(
                model, APLOG_WARNING, s,
                SVB_LOGNO(0165) "<Location \"%s\">: ServoyManagerActions is on "
                                "(%s) and everybody may come in: anybody could "
                                "take nodes out of service; add a Require line "
                                "to it, such as Require local or Require ip",
                place, svb_tree_where(model->pool, at->line));
        }
    }
}

void svb_access_check(svb_model *model)
{
    for (server_rec *s = model->main_server; s; s = s->next) {
        check_server(model, s);
    }
}
