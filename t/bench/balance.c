/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A working day, simulated for several ways to choose the node of a new client.
 *
 *     balance [days]
 *
 * Users come between seven and five, half of them in a peak around half past
 * eight, and in a rush at two: four hundred within three minutes. Their sessions
 * last 45 minutes in the median, many far longer, and up to ten hours. One user
 * in five is heavy: a request every five seconds instead of forty, and slower
 * ones with more data. Half of them log out, the others just leave, and the node
 * keeps their session for another half hour. Two in five of all requests belong
 * to nobody: a half of those to web services, which our method is told of
 * (ServoyStateless), the others are monitoring and images.
 *
 * There are six nodes, two of which are twice as large. One is restarted at
 * noon and is back after five minutes, without any sessions; its users go on
 * elsewhere with their next request. A seventh is added right after the rush.
 *
 * A node carries sessions. Each minute, from the hundredth session until five,
 * when the last users have come, the overload is by how much the fullest node,
 * for its size, is above the average of all that are up. The table has the
 * worst minute and the mean of all, as medians over the days; each method sees
 * the same users. Nobody can have zero: the nodes that come up at noon and at two
 * are empty at first, and the others the fuller for it.
 *
 * Such a fresh node is not to be flooded either: the last column is how many of
 * any twenty successive elections it got within half an hour, at most, on any of
 * the days. An election is whatever a method decides: none where there is a
 * session whose node is up, and for ours none for web services.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "methods.h"

#define DAYS 5
#define USERS 3400
#define RUSH 400 /* the last of them */
#define LATECOMER 6
#define RESTARTED 2

#define MINUTE 60.0
#define HOUR 3600.0
#define DAWN (7 * HOUR)
#define END_OF_DAY (17 * HOUR)
#define RUSH_AT (14 * HOUR)
#define RUSH_LASTS (3 * MINUTE)
#define SESSION_TIMEOUT (30 * MINUTE)
#define FRESH (30 * MINUTE)
#define STRETCH 20

/* Whose a request is that is no user's. */
#define NOBODY -1
#define SERVICE -2

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

static user users[USERS];
static event *heap;
static int events, room;
static double now;
static const method *used;
static int stretch[STRETCH], at, flood;

/* -------------------------------------------------------------- chance of users */

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

/* ------------------------------------------------------------------ the day */

/* A user, NOBODY or a SERVICE sends a request to a node; it ends a while later. */
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

/* An election was held: is a fresh node being flooded? */
static int elected(int to)
{
    const node *n = &nodes[to];
    int got = 0;

    stretch[at++ % STRETCH] =
        n->up_since > 0 && now - n->up_since < FRESH ? to : -1;
    for (int i = 0; i < STRETCH; i++) {
        got += stretch[i] == to;
    }
    flood = got > flood ? got : flood;
    return to;
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
        join(u, what == REQUEST && used->is_ours ? rendezvous(id)
                                                 : elected(used->choose(id)));
    }
    request(u->node, u->heavy, i);
    add((event){now + exponential(u->heavy ? 5 : 40), 0, REQUEST, i, -1});
}

/* A request without a session, which gets none. Where ours does not know that it is
 * a web service's, it counts it while it is in progress: it might have been a new
 * user's. */
static void stateless(int active)
{
    int is_known = draw(&user_seed) < 0.5 && used->is_ours;
    int to = is_known ? least_busy() : elected(used->choose(0));

    nodes[to].pending += !is_known;
    request(to, 0, is_known ? SERVICE : NOBODY);
    add((event){.time = now + exponential(1 / (0.04 * active + 0.5)),
                .what = STATELESS});
}

static void done(const event *e)
{
    node *n = &nodes[e->node];

    n->busy -= n->busy > 0;
    n->pending -= e->user == NOBODY && n->pending > 0;
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
    nodes[i].up_since = now;
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

static double arrival(int i)
{
    if (i >= USERS - RUSH) {
        return RUSH_AT + RUSH_LASTS * draw(&user_seed);
    }
    return i % 2 ? 8.5 * HOUR + 40 * MINUTE * normal()
                 : 7 * HOUR + 10 * HOUR * draw(&user_seed);
}

static void morning(int day)
{
    events = 0;
    now = 0;
    elections = 0;
    flood = 0;
    memset(stretch, -1, sizeof(stretch));
    user_seed = (apr_uint64_t)day << 40;
    method_seed = user_seed + 12345;
    memset(nodes, 0, sizeof(nodes));
    for (int i = 0; i < NODES; i++) {
        nodes[i].loadfactor = i < 2 ? 2 : 1;
        nodes[i].up = i != LATECOMER;
    }
    for (int i = 0; i < USERS; i++) {
        double begin = fmax(arrival(i), DAWN);
        double length = 45 * MINUTE * exp(1.2 * normal());

        users[i].end = begin + fmin(length, 10 * HOUR);
        users[i].heavy = draw(&user_seed) < 0.2;
        users[i].logs_out = draw(&user_seed) < 0.5;
        users[i].node = -1;
        add((event){.time = begin, .what = ARRIVAL, .user = i});
    }
    add((event){.time = DAWN, .what = STATELESS});
    add((event){.time = DAWN, .what = TICK});
    add((event){.time = 12 * HOUR, .what = DOWN, .node = RESTARTED});
    add((event){.time = 12 * HOUR + 5 * MINUTE, .what = UP, .node = RESTARTED});
    add((event){.time = RUSH_AT + RUSH_LASTS, .what = UP, .node = LATECOMER});
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
    printf("overload of the fullest node       worst     mean    flood\n");
    for (int i = 0; i < METHODS; i++) {
        int most = 0;

        for (int day = 0; day < days; day++) {
            figures f = run(&methods[i], day + 1);

            worst[day] = 100 * f.worst;
            mean[day] = 100 * f.sum / f.minutes;
            most = flood > most ? flood : most;
        }
        printf("%-32s %5.0f %%  %5.1f %%  %2d of %d\n", methods[i].name,
               median(worst, days), median(mean, days), most, STRETCH);
        fflush(stdout);
    }
    return 0;
}
