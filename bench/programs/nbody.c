/* Five bodies under gravity, double precision, a square root and a division per pair. */
#include <math.h>

#include "bench.h"

enum { BODIES = 5 };

struct body {
    double x[3], v[3], mass;
};

static struct body bodies[BODIES];

static void step(double dt)
{
    int i, j, k;

    for (i = 0; i < BODIES; i++) {
        for (j = i + 1; j < BODIES; j++) {
            struct body *a = &bodies[i], *b = &bodies[j];
            double d[3], r2 = 0.01, f;

            for (k = 0; k < 3; k++) {
                d[k] = a->x[k] - b->x[k];
                r2 += d[k] * d[k];
            }
            f = dt / (r2 * sqrt(r2));
            for (k = 0; k < 3; k++) {
                a->v[k] -= d[k] * b->mass * f;
                b->v[k] += d[k] * a->mass * f;
            }
        }
    }
    for (i = 0; i < BODIES; i++) {
        for (k = 0; k < 3; k++)
            bodies[i].x[k] += dt * bodies[i].v[k];
    }
}

int main(int argc, char **argv)
{
    uint64_t steps = bench_scaled(argc, argv, 2.5e6), i, bits, sum = 0, seed = 7;
    double t;
    int b, k;

    for (b = 0; b < BODIES; b++) {
        for (k = 0; k < 3; k++) {
            bodies[b].x[k] = (double)(bench_random(&seed) % 2000) * 0.01 - 10;
            bodies[b].v[k] = (double)(bench_random(&seed) % 200) * 0.001 - 0.1;
        }
        bodies[b].mass = 1.0 + b;
    }
    t = bench_now();
    for (i = 0; i < steps; i++)
        step(0.001);
    for (b = 0; b < BODIES; b++) {
        memcpy(&bits, &bodies[b].x[0], sizeof(bits));
        sum = sum * 31 + bits;
    }
    return bench_report("nbody", t, sum);
}
