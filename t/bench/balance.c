/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A working day, simulated for several ways to choose the node of a new client.
 *
 *     balance [days]
 *
 * Users come between seven and five, half of them in a peak around half past
 * eight. Their sessions last 45 minutes in the median, many far longer, and up
 * to ten hours. One user in five is heavy: a request every five seconds instead
 * of forty, and slower ones with more data. Half of them log out, the others
 * just leave, and the node keeps their session for another half hour. Two in
 * five of all requests belong to nobody: monitoring, images, web services.
 *
 * There are six nodes, two of which are twice as large. One is restarted at
 * noon and is back after five minutes, without any sessions; its users go on
 * elsewhere with their next request. A seventh is added at two.
 *
 * A node carries sessions. Each minute, from the hundredth session until five,
 * when the last users have come, the overload is by how much the fullest node,
 * for its size, is above the average of all that are up. The table has the
 * worst minute and the mean of all, as medians over the days; each method sees
 * the same users. Nobody can have zero: the nodes that come up at noon and at two
 * are empty at first, and the others the fuller for it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choice/score.h"
#include "memory/hash.h"

#define DAYS 5
#define USERS 3000
#define NODES 7
#define LATECOMER 6
#define RESTARTED 2

#define MINUTE 60.0
#define HOUR 3600.0
#define DAWN (7 * HOUR)
#define END_OF_DAY (17 * HOUR)
#define SESSION_TIMEOUT (30 * MINUTE)
#define HALF_LIFE 60.0
#define CATCH_UP 2

typedef struct {
    double loadfactor;
    int up;
    unsigned sessions, pending, busy;
    double traffic;       /* bytes so far */
    double status;        /* byrequests, bybusyness */
    double sessions_seen; /* mod_jk's lb_value */
    double recent, recent_at;
    apr_uint64_t turn;
} node;

typedef struct {
    double end; /* when its user leaves */
    int heavy, logs_out, node;
} user;

typedef enum event_kind {
    ARRIVAL,
    REQUEST,
    STATELESS,
    DONE,
    GONE,
    DOWN,
    UP,
    TICK
} event_kind;

typedef struct {
    double time, bytes;
    event_kind what;
    int user, node;
} event;

typedef struct {
    const char *name;
    int (*choose)(apr_uint64_t id); /* for a request without a node */
    int counts_clients;             /* knows its clients: ours */
} method;

static node nodes[NODES];
static user users[USERS];
static event *heap;
static int events, room;
static double now;
static apr_uint64_t turns;
static const method *used;

/* ----------------------------------------- chance, the same for each method */

/* One stream for what users do, another for what a method draws. */
static apr_uint64_t user_seed, method_seed;

static double draw(apr_uint64_t *seed)
{
    *seed += 0x9e3779b97f4a7c15u;
    return ((double)(svb_hash_text((const char *)seed, 8) >> 11) + 0.5)
           / 9007199254740992.0;
}

static double exponential(double mean)
{
    return -mean * log(draw(&user_seed));
}

static double normal(void)
{
    double radius = sqrt(-2 * log(draw(&user_seed)));

    return radius * cos(2 * 3.14159265358979 * draw(&user_seed));
}

/* -------------------------------------------------- events in order of time */

static void add(event e)
{
    int i;

    if (events == room) {
        room = room ? 2 * room : 1024;
        heap = realloc(heap, (size_t)room * sizeof(*heap));
    }
    for (i = events++; i > 0 && heap[(i - 1) / 2].time > e.time;
         i = (i - 1) / 2) {
        heap[i] = heap[(i - 1) / 2];
    }
    heap[i] = e;
}

static event take(void)
{
    event first = heap[0], last = heap[--events];
    int i = 0, child;

    while ((child = 2 * i + 1) < events) {
        child += child + 1 < events && heap[child + 1].time < heap[child].time;
        if (last.time <= heap[child].time) {
            break;
        }
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return first;
}

/* ------------------------ the methods: what each knows, and whom it chooses */

static double recent_of(const node *n)
{
    return n->recent * exp2(-(now - n->recent_at) / HALF_LIFE);
}

/* The election of choice/score. */
static int servoy(apr_uint64_t id)
{
    svb_score_candidate best = {0};
    double recent_all = 0, loadfactor_all = 0;
    int won = -1;

    (void)id;
    for (int i = 0; i < NODES; i++) {
        recent_all += nodes[i].up ? recent_of(&nodes[i]) : 0;
        loadfactor_all += nodes[i].up ? nodes[i].loadfactor : 0;
    }
    for (int i = 0; i < NODES; i++) {
        node *n = &nodes[i];
        svb_score_candidate cand = {
            svb_score_load(n->sessions + n->pending, n->loadfactor), n->turn,
            svb_score_over_share(recent_of(n), recent_all, n->loadfactor,
                                 loadfactor_all, CATCH_UP)};

        if (n->up && (won < 0 || svb_score_better(&cand, &best))) {
            best = cand;
            won = i;
        }
    }
    nodes[won].recent = recent_of(&nodes[won]) + 1;
    nodes[won].recent_at = now;
    nodes[won].turn = ++turns;
    return won;
}

/* Its failover, for users who were on another node. */
static int rendezvous(apr_uint64_t id)
{
    double best = 0;
    int won = -1;

    for (int i = 0; i < NODES; i++) {
        char route[] = {'n', (char)('0' + i), 0};
        double score = svb_score_rendezvous(id, route, nodes[i].loadfactor);

        if (nodes[i].up && score > best) {
            best = score;
            won = i;
        }
    }
    return won;
}

/* mod_proxy's byrequests: each request credits all nodes with their factor and
 * costs the chosen one the sum; the highest credit is next. Requests that stick
 * to a node are booked in the same way, see booked(). */
static int byrequests(apr_uint64_t id)
{
    int won = -1;

    (void)id;
    for (int i = 0; i < NODES; i++) {
        if (nodes[i].up
            && (won < 0
                || nodes[i].status + nodes[i].loadfactor
                       > nodes[won].status + nodes[won].loadfactor)) {
            won = i;
        }
    }
    return won;
}

/* mod_proxy's bybusyness: the fewest requests in progress, then as above. */
static int bybusyness(apr_uint64_t id)
{
    int won = -1;

    (void)id;
    for (int i = 0; i < NODES; i++) {
        if (nodes[i].up
            && (won < 0 || nodes[i].busy < nodes[won].busy
                || (nodes[i].busy == nodes[won].busy
                    && nodes[i].status > nodes[won].status))) {
            won = i;
        }
    }
    return won;
}

/* mod_proxy's bytraffic: the fewest bytes so far, for its factor. */
static int bytraffic(apr_uint64_t id)
{
    int won = -1;

    (void)id;
    for (int i = 0; i < NODES; i++) {
        if (nodes[i].up
            && (won < 0
                || nodes[i].traffic / nodes[i].loadfactor
                       < nodes[won].traffic / nodes[won].loadfactor)) {
            won = i;
        }
    }
    return won;
}

/* mod_jk's Session method: every request without a session counts as one more,
 * and these counts are halved once a minute. */
static int jk_session(apr_uint64_t id)
{
    int won = -1;

    (void)id;
    for (int i = 0; i < NODES; i++) {
        if (nodes[i].up
            && (won < 0 || nodes[i].sessions_seen < nodes[won].sessions_seen)) {
            won = i;
        }
    }
    nodes[won].sessions_seen += 1 / nodes[won].loadfactor;
    return won;
}

static int random_node(apr_uint64_t id)
{
    double sum = 0, at;
    int i, last = -1;

    (void)id;
    for (i = 0; i < NODES; i++) {
        sum += nodes[i].up ? nodes[i].loadfactor : 0;
    }
    at = sum * draw(&method_seed);
    for (i = 0; i < NODES && at >= 0; i++) {
        if (nodes[i].up) {
            at -= nodes[i].loadfactor;
            last = i;
        }
    }
    return last;
}

/* Of two nodes drawn at random, the one with fewer requests in progress. */
static int two_choices(apr_uint64_t id)
{
    int a = random_node(id), b = random_node(id);

    return nodes[b].busy / nodes[b].loadfactor
                   < nodes[a].busy / nodes[a].loadfactor
               ? b
               : a;
}

static const method methods[] = {
    {"servoy (this module)", servoy, 1},   {"byrequests", byrequests, 0},
    {"bybusyness", bybusyness, 0},         {"bytraffic", bytraffic, 0},
    {"mod_jk, Session", jk_session, 0},    {"random", random_node, 0},
    {"two random choices", two_choices, 0}};

#define METHODS (int)(sizeof(methods) / sizeof(*methods))

/* What any request changes in the books of byrequests and bybusyness. */
static void booked(int to)
{
    double sum = 0;

    for (int i = 0; i < NODES; i++) {
        if (nodes[i].up) {
            nodes[i].status += nodes[i].loadfactor;
            sum += nodes[i].loadfactor;
        }
    }
    nodes[to].status -= sum;
}

/* ------------------------------------------------------------------ the day */

/* A user, or nobody (-1), sends a request to a node; it ends a while later. */
static void request(int to, int heavy, int by)
{
    /* Seconds and bytes with a long tail, drawn also where nobody looks. */
    double seconds = (heavy ? 0.6 : 0.15) * exp(normal());
    double bytes = (heavy ? 60e3 : 15e3) * exp(1.5 * normal());

    booked(to);
    nodes[to].busy++;
    add((event){now + seconds, bytes, DONE, by, to});
}

static void join(user *u, int to)
{
    u->node = to;
    nodes[to].sessions++;
}

static void leave(user *u)
{
    if (u->node >= 0) {
        nodes[u->node].sessions--;
        u->node = -1;
    }
}

static void user_acts(int i, event_kind what)
{
    user *u = &users[i];
    apr_uint64_t id = svb_hash_text((const char *)&i, sizeof(i));

    if (now > u->end) {
        if (u->logs_out) {
            leave(u);
        }
        else {
            add((event){now + SESSION_TIMEOUT, 0, GONE, i, -1});
        }
        return;
    }
    if (u->node < 0) {
        join(u, what == REQUEST && used->counts_clients ? rendezvous(id)
                                                        : used->choose(id));
    }
    request(u->node, u->heavy, i);
    add((event){now + exponential(u->heavy ? 5 : 40), 0, REQUEST, i, -1});
}

/* A request without a session, which gets none. Ours counts it while it is in
 * progress, since it might have been a new user's. */
static void stateless(int active)
{
    int to = used->choose(0);

    nodes[to].pending++;
    request(to, 0, -1);
    add((event){.time = now + exponential(1 / (0.04 * active + 0.5)),
                .what = STATELESS});
}

static void done(const event *e)
{
    node *n = &nodes[e->node];

    n->busy -= n->busy > 0;
    n->pending -= e->user < 0 && n->pending > 0;
    n->traffic += e->bytes;
}

static void down(int i)
{
    nodes[i].up = 0;
    nodes[i].sessions = nodes[i].pending = nodes[i].busy = 0;
    for (int k = 0; k < USERS; k++) {
        users[k].node = users[k].node == i ? -1 : users[k].node;
    }
}

/* mod_jk has a node that is back begin where the busiest one is. */
static void up(int i)
{
    nodes[i].up = 1;
    for (int k = 0; k < NODES; k++) {
        nodes[i].sessions_seen =
            fmax(nodes[i].sessions_seen, nodes[k].sessions_seen);
    }
}

/* What is looked at each minute. */
typedef struct {
    double worst, sum;
    int minutes;
} figures;

static void tick(figures *f)
{
    double fullest = 0, loadfactors = 0, sessions = 0;

    for (int i = 0; i < NODES; i++) {
        node *n = &nodes[i];

        if (n->up) {
            fullest = fmax(fullest, n->sessions / n->loadfactor);
            loadfactors += n->loadfactor;
            sessions += n->sessions;
        }
        n->sessions_seen /= 2;
    }
    if (sessions >= 100) {
        double over = fullest * loadfactors / sessions - 1;

        f->worst = fmax(f->worst, over);
        f->sum += over;
        f->minutes++;
    }
}

static void morning(int day)
{
    events = 0;
    now = 0;
    turns = 0;
    user_seed = (apr_uint64_t)day << 40;
    method_seed = user_seed + 12345;
    memset(nodes, 0, sizeof(nodes));
    for (int i = 0; i < NODES; i++) {
        nodes[i].loadfactor = i < 2 ? 2 : 1;
        nodes[i].up = i != LATECOMER;
    }
    for (int i = 0; i < USERS; i++) {
        double at = i % 2 ? 8.5 * HOUR + 40 * MINUTE * normal()
                          : 7 * HOUR + 10 * HOUR * draw(&user_seed);
        double length = 45 * MINUTE * exp(1.2 * normal());

        at = fmax(at, DAWN);
        users[i].end = at + fmin(length, 10 * HOUR);
        users[i].heavy = draw(&user_seed) < 0.2;
        users[i].logs_out = draw(&user_seed) < 0.5;
        users[i].node = -1;
        add((event){.time = at, .what = ARRIVAL, .user = i});
    }
    add((event){.time = DAWN, .what = STATELESS});
    add((event){.time = DAWN, .what = TICK});
    add((event){.time = 12 * HOUR, .what = DOWN, .node = RESTARTED});
    add((event){.time = 12 * HOUR + 5 * MINUTE, .what = UP, .node = RESTARTED});
    add((event){.time = 14 * HOUR, .what = UP, .node = LATECOMER});
}

static figures run(const method *m, int day)
{
    figures f = {0};
    int active = 0;

    used = m;
    morning(day);
    while (events > 0 && now < END_OF_DAY) {
        event e = take();

        now = e.time;
        switch (e.what) {
        case ARRIVAL:
        case REQUEST:
            active += e.what == ARRIVAL;
            active -= now > users[e.user].end;
            user_acts(e.user, e.what);
            break;
        case STATELESS:
            stateless(active);
            break;
        case DONE:
            done(&e);
            break;
        case GONE:
            leave(&users[e.user]);
            break;
        case DOWN:
            down(e.node);
            break;
        case UP:
            up(e.node);
            break;
        default:
            tick(&f);
            add((event){.time = now + MINUTE, .what = TICK});
        }
    }
    return f;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof(*values), by_size);
    return values[n / 2];
}

int main(int argc, char **argv)
{
    int days = argc > 1 ? atoi(argv[1]) : DAYS;
    double worst[100], mean[100];

    days = days < 1 ? 1 : days > 100 ? 100 : days;
    printf("overload of the fullest node       worst     mean\n");
    for (int i = 0; i < METHODS; i++) {
        for (int day = 0; day < days; day++) {
            figures f = run(&methods[i], day + 1);

            worst[day] = 100 * f.worst;
            mean[day] = 100 * f.sum / f.minutes;
        }
        printf("%-32s %5.0f %%  %5.1f %%\n", methods[i].name,
               median(worst, days), median(mean, days));
        fflush(stdout);
    }
    return 0;
}
