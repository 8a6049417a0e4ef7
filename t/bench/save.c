/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * How long the saved state takes to write and to read.
 *
 *     save [capacity clients [file [nodes]]]
 *
 * Without arguments: a million clients in a table for as many. With a file, the
 * state is left there, for a server to start with. Its nodes (8) are n0, n1 ...; client
 * K is on node K modulo their number, I, and has the session id of K in 32 hexadecimal
 * digits, and .nI.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "memory/hash.h"
#include "memory/save.h"

#define FLEET "servoy"
#define NODES_MAX 1000
#define MILLION 1000000

static const unsigned char secret[SVB_CLIENTS_SECRET] = "0123456789abcde";

static void *memory(size_t size)
{
    void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (mem == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return mem;
}

/* What a server has. */
static svb_clients *table(apr_size_t capacity, svb_records **records,
                          apr_pool_t *p)
{
    svb_clients *clients;

    svb_records_open(records, memory(svb_records_size()), p);
    svb_clients_open(&clients, memory(svb_clients_size(capacity)), capacity,
                     secret, *records, p);
    return clients;
}

static void add_nodes(svb_records *records, int *nodes, int n, apr_pool_t *p)
{
    for (int i = 0; i < n; i++) {
        nodes[i] = svb_records_add(records, FLEET, apr_psprintf(p, "n%d", i));
    }
}

/* Under the ids that a fleet's clients have: told from those of other fleets. */
static void add_clients(svb_clients *clients, apr_size_t count,
                        const int *nodes, int n, apr_time_t now)
{
    apr_uint64_t salt = svb_hash_text(FLEET, strlen(FLEET));

    for (apr_size_t i = 0; i < count; i++) {
        int node = (int)(i % (apr_size_t)n);
        char id[64];
        int len =
            snprintf(id, sizeof(id), "%032lX.n%d", (unsigned long)i, node);

        svb_clients_put(clients,
                        svb_clients_id(clients, id, (apr_size_t)len) ^ salt,
                        nodes[node], SVB_KIND_WEB, now);
    }
}

static double seconds_since(apr_time_t start)
{
    return (double)(apr_time_now() - start) / APR_USEC_PER_SEC;
}

static void must(apr_status_t rv, const char *err)
{
    if (rv != APR_SUCCESS) {
        fprintf(stderr, "%s\n", err);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    apr_size_t capacity = argc > 2 ? strtoul(argv[1], NULL, 10) : MILLION;
    apr_size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : MILLION;
    const char *path = argc > 3 ? argv[3] : "save.bench", *err = NULL;
    int n = argc > 4 ? atoi(argv[4]) : 8;
    svb_records *records, *others;
    svb_clients *clients, *again;
    svb_save_facts facts = {.number = 1};
    svb_save_result result;
    svb_save *save;
    apr_time_t now = apr_time_now();
    apr_pool_t *p;
    int nodes[NODES_MAX];

    if (n <= 0 || n > NODES_MAX) {
        fprintf(stderr, "1 to %d nodes\n", NODES_MAX);
        return 2;
    }
    apr_initialize();
    apr_pool_create(&p, NULL);
    clients = table(capacity, &records, p);
    memcpy(facts.secret, secret, sizeof(secret));
    add_nodes(records, nodes, n, p);
    add_clients(clients, count, nodes, n, now);
    printf("table for %lu clients, with %lu\n", (unsigned long)capacity,
           (unsigned long)count);
    for (int i = 0; i < 3; i++) {
        now = facts.saved = apr_time_now();
        must(svb_save_write(path, records, clients, NULL, &facts, p, &err),
             err);
        printf("write %6.3f s\n", seconds_since(now));
    }
    again = table(capacity, &others, p);
    now = apr_time_now();
    must(svb_save_open(path, p, &save, &err), err);
    must(svb_save_verify(save, &err), err);
    printf("look  %6.3f s\n", seconds_since(now));
    must(svb_save_restore(save, others, again, NULL, now, &result, &err), err);
    printf("read  %6.3f s, %lu clients\n", seconds_since(now),
           (unsigned long)result.clients);
    if (argc <= 3) {
        remove(path);
    }
    return 0;
}
