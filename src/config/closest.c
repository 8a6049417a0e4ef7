/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/closest.h"

#include <apr_lib.h>
#include <string.h>

#define LONGEST 63
#define FAR_AWAY 64
#define SHORT 5

static int same(char a, char b)
{
    return apr_tolower(a) == apr_tolower(b);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* The table of distances between beginnings, of which three rows are kept: rows[0]
 * is the one being made, of a's first i letters, rows[1] and rows[2] those of one and
 * two letters less. */
static void make_row(int *rows[3], const char *a, int i, const char *b)
{
    rows[0][0] = i;
    for (int j = 1; b[j - 1]; j++) {
        int slips = rows[1][j - 1] + !same(a[i - 1], b[j - 1]);

        slips = least(slips, least(rows[1][j], rows[0][j - 1]) + 1);
        if (i > 1 && j > 1 && same(a[i - 1], b[j - 2])
            && same(a[i - 2], b[j - 1])) {
            slips = least(slips, rows[2][j - 2] + 1);
        }
        rows[0][j] = slips;
    }
}

int svb_closest_slips(const char *a, const char *b)
{
    int space[3][LONGEST + 1] = {{0}};
    int *rows[3] = {space[0], space[1], space[2]};
    size_t a_len = strlen(a), b_len = strlen(b);

    if (a_len > LONGEST || b_len > LONGEST) {
        return FAR_AWAY;
    }
    for (int j = 0; j <= (int)b_len; j++) {
        rows[0][j] = j;
    }
    for (int i = 1; i <= (int)a_len; i++) {
        int *oldest = rows[2];

        rows[2] = rows[1];
        rows[1] = rows[0];
        rows[0] = oldest;
        make_row(rows, a, i, b);
    }
    return rows[0][b_len];
}

const char *svb_closest(const char *word, const char *const known[])
{
    int letters = (int)strlen(word);
    int best = letters <= SHORT ? 1 : 2;
    const char *found = NULL;

    /* Of a word of one letter each slip makes another. */
    best = least(best, letters - 1);
    for (; *known; known++) {
        int slips = svb_closest_slips(word, *known);

        if (found ? slips < best : slips <= best) {
            best = slips;
            found = *known;
        }
    }
    return found;
}
