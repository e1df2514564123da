/* Attention of training, both ways: every token of a group of sequences sees the tokens before it in its own row, and in
   the trunk that its row begins with. No padding, no bias, no scores of what is not seen.

   Sixteen queries lie side by side in the lanes of a vector, and keys follow each other: so softmax runs over keys without
   a sum across lanes. A task is one group and one head of keys: nobody else adds to their gradients, and the sums have
   the same order whatever the number of threads. Rounded to bf16 where the PyTorch path rounds: scaled queries, scores,
   shares; the gradients of scores. */

#include "numbers.h"

#define QUERIES LANES

typedef struct {
    int64_t heads, kv_heads, width, groups, threads;
    int64_t most, widest; /* tokens, and rows, of the group that has the most of them */
    const int64_t *first; /* [groups + 1] which rows are a group's */
    const int64_t *rows;  /* [R, 3]: begin in the stream, length, and tokens of the trunk that the keys begin with */
    char *room;           /* scratch, as much as `attention_room` says */
} Job;

typedef struct { /* one query head's 16 queries of a row, and the keys that they see: `before` of the trunk, `own` */
    int64_t at, count, head, before, own, start, begin, first;
} Block;

/* Sixteen vectors of sixteen: v[i] becomes lane i of all. */
ALWAYS void transpose(floats *v) {
#pragma GCC unroll 16
    for (int i = 0; i < 8; i++) {
        floats a = v[i], b = v[i + 8];
        v[i] = PICK(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
        v[i + 8] = PICK(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    }
#pragma GCC unroll 16
    for (int j = 0; j < 8; j++) {
        int i = (j & 3) + (j >> 2) * 8;
        floats a = v[i], b = v[i + 4];
        v[i] = PICK(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
        v[i + 4] = PICK(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    }
#pragma GCC unroll 16
    for (int j = 0; j < 8; j++) {
        int i = (j & 1) + (j >> 1) * 4;
        floats a = v[i], b = v[i + 2];
        v[i] = PICK(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
        v[i + 2] = PICK(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i += 2) {
        floats a = v[i], b = v[i + 1];
        v[i] = PICK(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30);
        v[i + 1] = PICK(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
    }
}

/* `count` rows of x [.., stride], times `scale` and rounded, as a panel [W / 2][16][2]: a pair of numbers of all queries
   side by side. Rows that there are not are 0. */
ALWAYS void across(const bf16 *x, int64_t stride, int64_t count, int64_t w, float scale, bf16 *panel) {
    for (int64_t at = 0; at < w; at += LANES) {
        floats v[LANES];
        for (int i = 0; i < LANES; i++) v[i] = i < count ? rounded(load(x + i * stride + at) * scale) : (floats){0};
        transpose(v); /* v[n]: number at + n of all queries */
        for (int n = 0; n < LANES; n += 2)
            *(pairs *)(panel + (at + n) * LANES) = (pairs)v[n] >> 16 | ((pairs)v[n + 1] & 0xffff0000u);
    }
}

/* The same as [8][W][2]: a pair of queries side by side, for all numbers. */
ALWAYS void down(const bf16 *x, int64_t stride, int64_t count, int64_t w, float scale, bf16 *panel) {
    for (int i = 0; i < LANES; i += 2)
        for (int64_t at = 0; at < w; at += LANES) {
            floats a = i < count ? rounded(load(x + i * stride + at) * scale) : (floats){0};
            floats b = i + 1 < count ? rounded(load(x + (i + 1) * stride + at) * scale) : (floats){0};
            *(pairs *)(panel + (i * w + at * 2)) = (pairs)a >> 16 | ((pairs)b & 0xffff0000u);
        }
}

/* Keys or values [count, stride] as [count / 2][W][2]: two that follow each other side by side. */
ALWAYS void beside(const bf16 *x, int64_t stride, int64_t count, int64_t w, bf16 *panel) {
    for (int64_t s = 0; s < count; s += 2, panel += 2 * w)
        for (int64_t at = 0; at < w; at += LANES) {
            pairs a = __builtin_convertvector(*(const halves *)(x + s * stride + at), pairs), b = {0};
            if (s + 1 < count) b = __builtin_convertvector(*(const halves *)(x + (s + 1) * stride + at), pairs);
            *(pairs *)(panel + at * 2) = a | b << 16;
        }
}

/* scores[s] = key s · the 16 queries of the panel, for `count` keys */
ALWAYS void products(const bf16 *keys, int64_t stride, int64_t count, int64_t w, const bf16 *panel, floats *scores) {
    int64_t s = 0;
    for (; s + 8 <= count; s += 8) {
        floats sums[8];
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) sums[i] = (floats){0};
        for (int64_t j = 0; j < w; j += 2)
#pragma GCC unroll 8
            for (int i = 0; i < 8; i++) sums[i] = multiply(sums[i], panel + j * LANES, keys + (s + i) * stride + j);
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) scores[s + i] = sums[i];
    }
    for (; s < count; s++) {
        floats sum = {0};
        for (int64_t j = 0; j < w; j += 2) sum = multiply(sum, panel + j * LANES, keys + s * stride + j);
        scores[s] = sum;
    }
}

/* Numbers [count] of 16 queries each, two that follow each other side by side in bf16: [count / 2][16][2]. */
ALWAYS void paired(const floats *x, int64_t count, bf16 *y) {
    for (int64_t s = 0; s < count; s += 2, y += 2 * LANES) {
        pairs a = nearest(x[s]), b = s + 1 < count ? nearest(x[s + 1]) : (pairs){0};
        *(pairs *)y = a >> 16 | b;
    }
}

/* sums[n] += what 16 queries take of number n of the keys or values in `panel` [.. / 2][W][2], for 16 numbers from `at`. */
ALWAYS void mix(floats *sums, const bf16 *shares, const bf16 *panel, int64_t count, int64_t w, int64_t at) {
    for (int64_t s = 0; s < count; s += 2, shares += 2 * LANES, panel += 2 * w)
#pragma GCC unroll 16
        for (int n = 0; n < LANES; n++) sums[n] = multiply(sums[n], shares, panel + (at + n) * 2);
}

/* y[s] += x[s] · the queries of the panel [8][W][2], for `count` keys with 16 bf16 each; y [count, W]. */
ALWAYS void gather_some(const int keys, const bf16 *x, const bf16 *panel, int64_t w, float *y) {
    floats sums[8];
#pragma GCC unroll 8
    for (int s = 0; s < keys; s++) sums[s] = *(floats *)(y + s * w);
#pragma GCC unroll 8
    for (int i = 0; i < LANES; i += 2)
#pragma GCC unroll 8
        for (int s = 0; s < keys; s++) sums[s] = multiply(sums[s], panel + i * w, x + s * LANES + i);
#pragma GCC unroll 8
    for (int s = 0; s < keys; s++) *(floats *)(y + s * w) = sums[s];
}

ALWAYS void gather(const bf16 *x, int64_t count, const bf16 *panel, int64_t w, float *y) {
    for (int64_t at = 0; at < w; at += LANES) {
        int64_t s = 0;
        for (; s + 8 <= count; s += 8) gather_some(8, x + s * LANES, panel + at * 2, w, y + s * w + at);
        for (; s < count; s++) gather_some(1, x + s * LANES, panel + at * 2, w, y + s * w + at);
    }
}

ALWAYS floats lanes(void) { return (floats){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; }

/* Scores of a block, rounded; -inf where a key comes after its query. */
ALWAYS void look(const Job *m, const Block *b, const bf16 *k, const bf16 *panel, floats *scores) {
    int64_t stride = m->kv_heads * m->width;
    products(k + b->start * stride, stride, b->before, m->width, panel, scores);
    products(k + b->begin * stride, stride, b->own, m->width, panel, scores + b->before);
    for (int64_t s = 0; s < b->before + b->own; s++) scores[s] = rounded(scores[s]);
    for (int64_t s = b->first; s < b->own; s++) /* queries are first, first + 1, … of their row */
        scores[b->before + s] = either(lanes() < (float)(s - b->first), all(-INFINITY), scores[b->before + s]);
}

/* Transposed sums [W][16] to `count` rows of y. */
ALWAYS void put(floats *sums, int64_t at, int64_t count, float scale, bf16 *y, int64_t stride) {
    transpose(sums);
    for (int i = 0; i < count; i++) save(y + i * stride + at, sums[i] * scale);
}

typedef struct {
    floats *scores, *others;
    bf16 *shares, *rest, *queries, *back, *queries_down, *back_down, *keys2, *values2;
    float *for_keys, *for_values;
    int64_t *where;
} Room;

static int64_t aligned_to(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/* Where a thread keeps what it works with; returns the bytes. */
static int64_t lay(const Job *m, Room *r, char *base) {
    int64_t at = 0, most = m->most, rows = m->widest, w = m->width;
#define TAKE(field, bytes) r->field = (void *)(base + at), at += aligned_to(bytes)
    TAKE(scores, (most + 1) * 64);
    TAKE(others, (most + 1) * 64);
    TAKE(shares, (most + 4) * 32);
    TAKE(rest, (most + 4) * 32);
    TAKE(queries, w * 32);
    TAKE(back, w * 32);
    TAKE(queries_down, w * 32);
    TAKE(back_down, w * 32);
    TAKE(keys2, (most + rows) * w * 2);
    TAKE(values2, (most + rows) * w * 2);
    TAKE(for_keys, most * w * 4);
    TAKE(for_values, most * w * 4);
    TAKE(where, rows * 8);
    return at;
}

int64_t attention_room(const Job *m) {
    Room r;
    return lay(m, &r, 0) * m->threads + 64;
}

static void own_room(const Job *m, Room *r) {
    int64_t each = lay(m, r, 0);
    lay(m, r, (char *)(((uintptr_t)m->room + 63) & ~(uintptr_t)63) + each * omp_get_thread_num());
}

/* Keys or values of a group's rows, beside each other in pairs, each row for itself; where[] says at which pair. */
static void pair_rows(const Job *m, int64_t group, int64_t kv, const bf16 *x, bf16 *panel, int64_t *where) {
    int64_t stride = m->kv_heads * m->width, pair = 0;
    for (int64_t row = m->first[group]; row < m->first[group + 1]; row++) {
        const int64_t *of = m->rows + 3 * row;
        *where++ = pair;
        beside(x + of[0] * stride + kv * m->width, stride, of[1], m->width, panel + pair * 2 * m->width);
        pair += (of[1] + 1) / 2;
    }
}

/* out [T, H, W]; peaks and sums [T, H] of each query's exponentials, for the way back. */
void attention_forward(const Job *m, const bf16 *q, const bf16 *k, const bf16 *v, bf16 *out, float *peaks,
                       float *sums) {
    int64_t w = m->width, group_heads = m->heads / m->kv_heads, stride = m->heads * w;
    float scale = 1.0f / sqrtf((float)w);
#pragma omp parallel for schedule(dynamic, 1) num_threads(m->threads)
    for (int64_t task = 0; task < m->groups * m->kv_heads; task++) {
        int64_t group = task / m->kv_heads, kv = task % m->kv_heads;
        Room r;
        own_room(m, &r);
        pair_rows(m, group, kv, v, r.values2, r.where);
        int64_t start = m->rows[3 * m->first[group]];
        for (int64_t row = m->first[group]; row < m->first[group + 1]; row++) {
            const int64_t *of = m->rows + 3 * row;
            for (int64_t h = kv * group_heads; h < (kv + 1) * group_heads; h++)
                for (int64_t first = 0; first < of[1]; first += QUERIES) {
                    int64_t count = of[1] - first < QUERIES ? of[1] - first : QUERIES;
                    Block b = {of[0] + first, count, h, of[2], first + count, start, of[0], first};
                    int64_t seen = b.before + b.own, even_before = (b.before + 1) / 2 * 2;
                    across(q + b.at * stride + h * w, stride, count, w, scale, r.queries);
                    look(m, &b, k + kv * w, r.queries, r.scores);
                    floats peak = all(-INFINITY), sum = {0};
                    for (int64_t s = 0; s < seen; s++) peak = either(r.scores[s] > peak, r.scores[s], peak);
                    for (int64_t s = 0; s < seen; s++) {
                        floats e = either(r.scores[s] == -INFINITY, (floats){0}, exponential(r.scores[s] - peak));
                        r.scores[s] = e, sum += e;
                    }
                    floats part = 1.0f / sum;
                    for (int64_t s = 0; s < seen; s++) r.scores[s] = r.scores[s] * part;
                    for (int i = 0; i < count; i++) {
                        peaks[(b.at + i) * m->heads + h] = peak[i];
                        sums[(b.at + i) * m->heads + h] = sum[i];
                    }
                    paired(r.scores, b.before, r.shares);
                    paired(r.scores + b.before, b.own, r.shares + even_before * LANES);
                    for (int64_t at = 0; at < w; at += LANES) {
                        floats mixed[LANES];
                        for (int n = 0; n < LANES; n++) mixed[n] = (floats){0};
                        mix(mixed, r.shares, r.values2, b.before, w, at);
                        mix(mixed, r.shares + even_before * LANES, r.values2 + r.where[row - m->first[group]] * 2 * w, b.own, w, at);
                        put(mixed, at, count, 1.0f, out + b.at * stride + h * w, stride);
                    }
                }
        }
    }
}

void attention_backward(const Job *m, const bf16 *q, const bf16 *k, const bf16 *v, const float *peaks, const float *sums,
                        const bf16 *grad, bf16 *dq, bf16 *dk, bf16 *dv) {
    int64_t w = m->width, group_heads = m->heads / m->kv_heads, stride = m->heads * w, kv_stride = m->kv_heads * w;
    float scale = 1.0f / sqrtf((float)w);
#pragma omp parallel for schedule(dynamic, 1) num_threads(m->threads)
    for (int64_t task = 0; task < m->groups * m->kv_heads; task++) {
        int64_t group = task / m->kv_heads, kv = task % m->kv_heads;
        Room r;
        own_room(m, &r);
        pair_rows(m, group, kv, k, r.keys2, r.where);
        int64_t start = m->rows[3 * m->first[group]], end = start;
        for (int64_t row = m->first[group]; row < m->first[group + 1]; row++) end += m->rows[3 * row + 1];
        memset(r.for_keys, 0, (end - start) * w * sizeof(float));
        memset(r.for_values, 0, (end - start) * w * sizeof(float));
        for (int64_t row = m->first[group]; row < m->first[group + 1]; row++) {
            const int64_t *of = m->rows + 3 * row;
            for (int64_t h = kv * group_heads; h < (kv + 1) * group_heads; h++)
                for (int64_t first = 0; first < of[1]; first += QUERIES) {
                    int64_t count = of[1] - first < QUERIES ? of[1] - first : QUERIES;
                    Block b = {of[0] + first, count, h, of[2], first + count, start, of[0], first};
                    int64_t seen = b.before + b.own, even_before = (b.before + 1) / 2 * 2;
                    const bf16 *mine = q + b.at * stride + h * w, *back = grad + b.at * stride + h * w;
                    across(mine, stride, count, w, scale, r.queries);
                    down(mine, stride, count, w, scale, r.queries_down);
                    across(back, stride, count, w, 1.0f, r.back);
                    down(back, stride, count, w, 1.0f, r.back_down);
                    look(m, &b, k + kv * w, r.queries, r.scores);
                    products(v + b.start * kv_stride + kv * w, kv_stride, b.before, w, r.back, r.others);
                    products(v + b.begin * kv_stride + kv * w, kv_stride, b.own, w, r.back, r.others + b.before);
                    floats peak = {0}, part = {0}, mean = {0};
                    for (int i = 0; i < count; i++) {
                        peak[i] = peaks[(b.at + i) * m->heads + h];
                        part[i] = 1.0f / sums[(b.at + i) * m->heads + h];
                    }
                    for (int64_t s = 0; s < seen; s++) {
                        floats e = either(r.scores[s] == -INFINITY, (floats){0}, exponential(r.scores[s] - peak)) * part;
                        r.scores[s] = e, mean += e * rounded(r.others[s]);
                        save(r.shares + s * LANES, e);
                    }
                    gather(r.shares, b.before, r.back_down, w, r.for_values);
                    gather(r.shares + b.before * LANES, b.own, r.back_down, w, r.for_values + (b.begin - start) * w);
                    for (int64_t s = 0; s < seen; s++) {
                        r.others[s] = r.scores[s] * (rounded(r.others[s]) - mean);
                        save(r.rest + s * LANES, r.others[s]);
                    }
                    gather(r.rest, b.before, r.queries_down, w, r.for_keys);
                    gather(r.rest + b.before * LANES, b.own, r.queries_down, w, r.for_keys + (b.begin - start) * w);
                    paired(r.others, b.before, r.shares);
                    paired(r.others + b.before, b.own, r.shares + even_before * LANES);
                    for (int64_t at = 0; at < w; at += LANES) {
                        floats mixed[LANES];
                        for (int n = 0; n < LANES; n++) mixed[n] = (floats){0};
                        mix(mixed, r.shares, r.keys2, b.before, w, at);
                        mix(mixed, r.shares + even_before * LANES, r.keys2 + r.where[row - m->first[group]] * 2 * w, b.own, w, at);
                        put(mixed, at, count, scale, dq + b.at * stride + h * w, stride);
                    }
                }
        }
        for (int64_t s = 0; s < end - start; s++)
            for (int64_t at = 0; at < w; at += LANES) {
                int64_t there = (start + s) * kv_stride + kv * w + at;
                save(dk + there, *(floats *)(r.for_keys + s * w + at));
                save(dv + there, *(floats *)(r.for_values + s * w + at));
            }
    }
}
