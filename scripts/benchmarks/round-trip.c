/* The C library's round trip, as the anchor of ours: joins a group, sends itself one AGREED message at a time, prints the median in microseconds.
   round-trip SPREAD_NAME COUNT BYTES */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "sp.h"

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    mailbox box;
    char private_group[MAX_GROUP_NAME], sender[MAX_GROUP_NAME], groups[8][MAX_GROUP_NAME];
    static char body[100000], received[100000];
    int count = argc > 2 ? atoi(argv[2]) : 1000;
    int bytes = argc > 3 ? atoi(argv[3]) : 100;
    double *took = malloc(sizeof(double) * count);
    if (argc < 2 || SP_connect(argv[1], "rtt", 0, 0, &box, private_group) != ACCEPT_SESSION) {
        fprintf(stderr, "round-trip: cannot connect to %s\n", argc > 1 ? argv[1] : "(nothing)");
        return 69;
    }
    SP_join(box, "rtt");
    for (int at = -200; at < count; at++) { /* the first two hundred warm up */
        service type = 0;
        int16 mess_type;
        int group_count, mismatch;
        double start = now_us();
        SP_multicast(box, AGREED_MESS, "rtt", 1, bytes, body);
        if (SP_receive(box, &type, sender, 8, &group_count, groups, &mess_type, &mismatch, sizeof received, received) < 0) return 76;
        if (at >= 0) took[at] = now_us() - start;
    }
    qsort(took, count, sizeof *took, compare);
    printf("%.1f\n", took[count / 2]);
    SP_disconnect(box);
    return 0;
}
