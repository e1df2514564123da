/* A Llama-like model in bf16 as the engine runs it, every token by itself: embed, blocks, norm, head.

   The numbers are those of the PyTorch path, rounded to bf16 at the same places (but for biases in 8 bits); only sums are
   added up in another order, for each token the same whatever its neighbours.

   Matrices lie in panels of 16 outputs, two of them side by side, so that a tile of a row reads few streams:
   [N / 32][K / 2][2][16][2], or in 8 bits, with a factor an output, [N / 32][K / 2][2][2][16].
   Everything between two barriers is divided among the threads.

   Elsewhere than on processors with AVX512-BF16 PyTorch's products of many rows are faster, and it does all. */

#include "numbers.h"

#define MOST_ROWS 10     /* of x in one tile: its sums stay in registers */
#define ROWS_AT_ONCE 240 /* of x pass all panels together: they stay in the cache */

typedef struct {
    const void *panels;
    const float *factors; /* [N] of a matrix in 8 bits, or NULL */
} Matrix;

typedef struct {
    Matrix qkv, out, gate_up, down;
    const bf16 *qkv_bias, *out_bias;           /* or NULL */
    const bf16 *before_attention, *before_mlp; /* weights of the norms [D] */
    const bf16 *q_norm, *k_norm;               /* [W] or NULL */
    bf16 *keys, *values;                       /* [rows, KV, length, W] */
    int64_t rotates;
} Layer;

typedef struct {
    int64_t width, layers, heads, kv_heads, head_width, ff_width, vocab_size, context;
    float eps;
    int32_t threads;
    Matrix head;
    const bf16 *embedding;       /* [V, D] as the learner has it */
    const bf16 *norm;            /* [D] */
    const bf16 *cosines, *sines; /* [context, W] */
    Layer *layer;
} Model;

/* --------------------------------------------------------------------------------------------------- products -- */

enum { STORE, ADD, GLU }; /* what becomes of a product: it is stored, added to what is there, or silu(gate) * up */

typedef struct {
    int kind;
    const bf16 *bias;
    bf16 *y;
    int64_t stride, wanted; /* between rows of y; outputs that count, the rest is padding */
} Use;

/* sum + w x for 16 pairs w and 16 pairs x. */
ALWAYS floats dot(floats sum, const bf16 *w, const bf16 *x) {
    return (floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_loadu_si512(w), (__m512bh)_mm512_loadu_si512(x));
}

ALWAYS floats whole(const int8_t *x) { /* 16 of them */
    return (floats)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)x)));
}

/* 16 pairs of whole numbers of 8 bits, which bf16 has exactly. */
ALWAYS __m512bh pairs8(const int8_t *weights) {
    __m512i first = _mm512_srli_epi32((__m512i)whole(weights), 16), second = (__m512i)whole(weights + LANES);
    return (__m512bh)_mm512_or_si512(first, second); /* the lower half of a short whole number is 0 */
}

ALWAYS void use(const Use *to, int64_t row, int64_t panel, const floats *sums) {
    int64_t first = panel * LANES;
    bf16 *y = to->y + row * to->stride + (to->kind == GLU ? first / 2 : first);
    if (to->kind == GLU) { /* panels of gate and up take turns */
        floats gate = rounded(sums[0]), up = rounded(sums[1]);
        save(y, rounded(gate / (1.0f + exponential(-gate))) * up);
        return;
    }
    floats out = sums[0];
    if (first + LANES <= to->wanted) {
        if (to->bias) out += load(to->bias + first);
        if (to->kind == ADD) out = load(y) + rounded(out);
        save(y, out);
    } else if (first < to->wanted) { /* only the head's last panel */
        bf16 last[LANES];
        save(last, out);
        memcpy(y, last, (to->wanted - first) * sizeof(bf16));
    }
}

/* `rows` rows of x times `panels` panels beside each other; these and `eight` are constants where it is called. The last
   rows that pass prefetch as many panels behind these (the others what they load next: to ask which is dearer); at eight
   panels the loads alone keep memory busy. */
ALWAYS void tile(const int rows, const int panels, const int eight, const bf16 *x, int64_t k, Matrix w, int64_t row,
                 int64_t panel, int last, const Use *to) {
    floats sums[MOST_ROWS * 8];
    const char *at[8];
    const int64_t bytes = LANES * (eight ? 1 : 2), ahead = last ? panels * k * bytes : 0;
#pragma GCC unroll 16
    for (int p = 0; p < panels; p++) at[p] = (const char *)w.panels + ((panel + p / 2 * 2) * k + p % 2 * 2) * bytes;
#pragma GCC unroll 96
    for (int i = 0; i < rows * panels; i++) sums[i] = (floats){0};
    for (int64_t j = 0; j < k; j += 2) {
        if (panels < 8) {
#pragma GCC unroll 16
            for (int p = 0; p < panels; p++) __builtin_prefetch(at[p] + 2 * j * bytes + ahead, 0, 2);
        }
#pragma GCC unroll 16
        for (int p = 0; p < panels; p++) {
            const char *these = at[p] + 2 * j * bytes;
            __m512bh weights = eight ? pairs8((const int8_t *)these) : (__m512bh)_mm512_loadu_si512(these);
#pragma GCC unroll 16
            for (int r = 0; r < rows; r++)
                sums[r * panels + p] = times(sums[r * panels + p], weights, x + (row + r) * k + j);
        }
    }
    if (eight)
        for (int i = 0; i < rows * panels; i++) sums[i] *= *(const floats *)(w.factors + (panel + i % panels) * LANES);
    int step = to->kind == GLU ? 2 : 1;
    for (int r = 0; r < rows; r++)
        for (int p = 0; p < panels; p += step) use(to, row + r, panel + p, sums + r * panels + p);
}

#define CASE(n, most)                                             \
    case n:                                                       \
        if (left >= most) {                                       \
            tile(n, most, eight, x, k, w, row, panel, last, to);  \
            done = most;                                          \
        } else                                                    \
            tile(n, 2, eight, x, k, w, row, panel, last, to);     \
        break;

ALWAYS void product_as(const int eight, const bf16 *x, int64_t rows, int64_t k, Matrix w, int64_t panels, const Use *to) {
    int64_t threads = omp_get_num_threads(), me = omp_get_thread_num(), twos = panels / 2;
    int64_t end = twos * (me + 1) / threads * 2, done;
    int64_t blocks = (rows + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
    for (int64_t block = 0; block < blocks; block++) {
        int64_t first = rows * block / blocks, count = rows * (block + 1) / blocks - first;
        int64_t parts = (count + MOST_ROWS - 1) / MOST_ROWS;
        for (int64_t panel = twos * me / threads * 2; panel < end; panel += done) {
            int64_t left = parts > 1 ? 2 : end - panel; /* the rows of all parts pass the same panels */
            done = 2;
            for (int64_t part = 0; part < parts; part++) {
                int64_t row = first + count * part / parts;
                int last = part == parts - 1;
                switch (first + count * (part + 1) / parts - row) {
                    CASE(1, 8)
                    CASE(2, 8)
                    CASE(3, 4)
                    CASE(4, 4)
                    CASE(5, 4)
                    CASE(6, 2)
                    CASE(7, 2)
                    CASE(8, 2)
                    CASE(9, 2)
                    CASE(10, 2)
                }
            }
        }
    }
}

/* This thread's share of y = x w for x [rows, k]; the number of panels is even. */
static void product(const bf16 *x, int64_t rows, int64_t k, Matrix w, int64_t panels, const Use *to) {
    if (w.factors)
        product_as(1, x, rows, k, w, panels, to);
    else
        product_as(0, x, rows, k, w, panels, to);
}

/* --------------------------------------------------------------------------------------------------- the rest -- */

ALWAYS void turn(bf16 *x, int64_t w, const bf16 *cosines, const bf16 *sines) {
    for (int64_t i = 0, j = w / 2; i < w / 2; i += LANES, j += LANES) {
        floats a = load(x + i), b = load(x + j);
        save(x + i, rounded(a * load(cosines + i)) - rounded(b * load(sines + i)));
        save(x + j, rounded(b * load(cosines + j)) + rounded(a * load(sines + j)));
    }
}

/* Keys and values [seen, W] of one head; the first `common` of them, whole lanes, are read where siblings read theirs. */
typedef struct {
    const bf16 *keys, *values, *common_keys, *common_values;
    int64_t seen, common;
} Past;

/* `queries` of them, side by side, against what lies there; `shares` has room for [queries, seen in whole lanes]. */
ALWAYS void attend_as(const int vectors, const int queries, const bf16 *q, const Past *past, float *shares,
                      bf16 *mixed) {
    const int64_t seen = past->seen, common = past->common;
    const int64_t w = vectors * 2 * LANES, room = (seen + LANES - 1) / LANES * LANES;
    for (int n = 0; n < queries; n++, shares += room) {
        bf16 scaled[8 * 2 * LANES];
        floats sum = {0}, most = all(-INFINITY);
        for (int i = 0; i < w; i += LANES) save(scaled + i, load(q + n * w + i) * (1.0f / sqrtf((float)w)));
        for (int64_t s = 0; s < room; s += LANES) { /* what comes of those behind the last key is overwritten */
            const bf16 *keys = (s < common ? past->common_keys : past->keys) + s * w;
            floats products[LANES];
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++) products[i] = (floats){0};
            for (int c = 0; c < vectors; c++)
#pragma GCC unroll 16
                for (int i = 0; i < LANES; i++)
                    products[i] = dot(products[i], keys + i * w + c * 2 * LANES, scaled + c * 2 * LANES);
            *(floats *)(shares + s) = rounded(totals(products));
        }
        for (int64_t s = seen; s < room; s++) shares[s] = -INFINITY;
        for (int64_t s = 0; s < room; s += LANES) {
            floats score = *(floats *)(shares + s);
            most = either(score > most, score, most);
        }
        most = all(largest(most));
        for (int64_t s = 0; s < room; s += LANES) {
            floats score = *(floats *)(shares + s);
            score = either(score == -INFINITY, (floats){0}, exponential(score - most));
            *(floats *)(shares + s) = score;
            sum += score;
        }
        sum = all(total(sum));
        for (int64_t s = 0; s < room; s += LANES) *(floats *)(shares + s) = rounded(*(floats *)(shares + s) / sum);
    }
    shares -= queries * room;
    floats sums[2][16];
    for (int n = 0; n < queries; n++)
        for (int c = 0; c < 2 * vectors; c++) sums[n][c] = (floats){0};
    for (int64_t s = 0; s < seen;) {
        const bf16 *values = s < common ? past->common_values : past->values;
        for (int64_t end = s < common ? common : seen; s < end; s++)
            for (int c = 0; c < vectors; c++) {
                pairs p = *(const pairs *)(values + s * w + c * 2 * LANES);
                floats evens = even(p), odds = odd(p);
                for (int n = 0; n < queries; n++) {
                    sums[n][2 * c] += evens * shares[n * room + s];
                    sums[n][2 * c + 1] += odds * shares[n * room + s];
                }
            }
    }
    for (int n = 0; n < queries; n++)
        for (int c = 0; c < vectors; c++)
            *(pairs *)(mixed + n * w + c * 2 * LANES) = nearest(sums[n][2 * c]) >> 16 | nearest(sums[n][2 * c + 1]);
}

#define WIDTH(n)                                                                      \
    case n:                                                                           \
        if (queries == 2)                                                             \
            attend_as(n, 2, q, past, shares, mixed);                                  \
        else                                                                          \
            attend_as(n, 1, q, past, shares, mixed);                                  \
        break;

static void attend(int64_t w, int64_t queries, const bf16 *q, const Past *past, float *shares, bf16 *mixed) {
    switch (w / (2 * LANES)) {
        WIDTH(1)
        WIDTH(2)
        WIDTH(3)
        WIDTH(4)
        WIDTH(8)
    }
}

/* For rows that each get one token: an order in which siblings follow each other; for each row, whose slot has the same
   beginning, which is read there; and how many tokens of it. */
typedef struct {
    const int64_t *order, *eldest, *common;
} Kin;

typedef struct {
    const Layer *layer;
    const int64_t *slots, *positions;
    const Kin *kin;
    int64_t count, length;
    bf16 *qkv, *mixed;
    float *shares;
} Glance;

/* A token's key and value of one head go to its slot of the slabs. */
ALWAYS void place(const Model *m, const Glance *a, int64_t token, int64_t head) {
    const Layer *layer = a->layer;
    int64_t w = m->head_width, group = m->heads / m->kv_heads, position = a->positions[token];
    bf16 *q = a->qkv + (token * (m->heads + 2 * m->kv_heads) + head * group) * w;
    bf16 *k = q + (m->heads - head * group + head) * w;
    const bf16 *cosines = m->cosines + position * w, *sines = m->sines + position * w;
    int64_t at = ((a->slots[token] * m->kv_heads + head) * a->length + position) * w;
    if (layer->k_norm) normalise(k, w, layer->k_norm, m->eps, k);
    if (layer->rotates) turn(k, w, cosines, sines);
    memcpy(layer->keys + at, k, w * sizeof(bf16));
    memcpy(layer->values + at, k + m->kv_heads * w, w * sizeof(bf16));
    for (int64_t g = 0; g < group; g++) {
        if (layer->q_norm) normalise(q + g * w, w, layer->q_norm, m->eps, q + g * w);
        if (layer->rotates) turn(q + g * w, w, cosines, sines);
    }
}

/* Its queries of that head's group look at all that lies there, up to itself. */
ALWAYS void look(const Model *m, const Glance *a, int64_t token, int64_t head) {
    int64_t w = m->head_width, group = m->heads / m->kv_heads, seen = a->positions[token] + 1;
    int64_t at = (a->slots[token] * m->kv_heads + head) * a->length * w, first = at, common = 0;
    if (a->kin) {
        first = (a->kin->eldest[token] * m->kv_heads + head) * a->length * w;
        common = a->kin->common[token] / LANES * LANES;
    }
    const bf16 *keys = a->layer->keys, *values = a->layer->values;
    Past past = {keys + at, values + at, keys + first, values + first, seen, common};
    const bf16 *q = a->qkv + (token * (m->heads + 2 * m->kv_heads) + head * group) * w;
    for (int64_t g = 0; g < group; g += 2)
        attend(w, group - g < 2 ? 1 : 2, q + g * w, &past, a->shares + omp_get_thread_num() * 2 * a->length,
               a->mixed + (token * m->heads + head * group + g) * w);
}

/* Where a row's own keys and values begin that no elder sibling has just read. */
ALWAYS int64_t own_from(const Glance *a, int64_t token) {
    return a->kin->eldest[token] == a->slots[token] ? 0 : a->kin->common[token] / LANES * LANES;
}

static void attention(const Model *m, const Glance *a) {
    int64_t heads = m->kv_heads, tasks = a->count * heads, slot = a->length * m->head_width;
    if (a->kin) { /* nobody else looks at what a token has placed; siblings follow each other */
#pragma omp for schedule(static)
        for (int64_t task = 0; task < tasks; task++) {
            int64_t head = task / a->count, token = a->kin->order[task % a->count];
            int64_t next = a->kin->order[(task + 1) % a->count], w = m->head_width;
            int64_t at = (a->slots[token] * heads + head) * slot, then = (a->slots[next] * heads + head) * slot;
            for (int64_t i = own_from(a, token) * w; i <= a->positions[token] * w; i += 2 * LANES)
                __builtin_prefetch(a->layer->values + at + i); /* while the keys are looked at */
            for (int64_t i = own_from(a, next) * w; i <= a->positions[next] * w; i += 2 * LANES)
                __builtin_prefetch(a->layer->keys + then + i);
            place(m, a, token, head);
            look(m, a, token, head);
        }
        return;
    }
#pragma omp for schedule(static)
    for (int64_t task = 0; task < tasks; task++) place(m, a, task / heads, task % heads);
#pragma omp for schedule(dynamic, 8) /* later tokens have more to look at */
    for (int64_t task = 0; task < tasks; task++) look(m, a, task / heads, task % heads);
}

static void norms(const bf16 *x, int64_t rows, int64_t n, const bf16 *weight, float eps, bf16 *y) {
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; row++) normalise(x + row * n, n, weight, eps, y + row * n);
}

/* Numbers (of 2 bytes) that `step` needs besides what it is given. */
int64_t room(const Model *m, int64_t count, int64_t length) {
    int64_t widest = m->ff_width > m->heads * m->head_width ? m->ff_width : m->heads * m->head_width;
    int64_t qkv = (m->heads + 2 * m->kv_heads) * m->head_width;
    return count * (2 * m->width + qkv + widest) + 4 * m->threads * length;
}

/* Logits [count, V] of hidden states [count, D]; all threads come here together. */
static void tell(const Model *m, const bf16 *hidden, int64_t count, bf16 *logits) {
    Use to = {STORE, NULL, logits, m->vocab_size, m->vocab_size};
    product(hidden, count, m->width, m->head, (m->vocab_size + 31) / 32 * 2, &to);
}

void head(const Model *m, const bf16 *hidden, int64_t count, bf16 *logits) {
#pragma omp parallel num_threads(m->threads)
    tell(m, hidden, count, logits);
}

/* `count` more tokens at `positions` of the sequences in `slots`, over slabs of `length` positions: one of each row in
   flight, with their `kin`, and whose logits [count, V] are wanted; or whole prompts, and NULL for both. Hidden states
   [count, D] in any case. Returns 0, or 1 and does nothing if a token or position is out of range. */
int64_t step(const Model *m, int64_t count, const int64_t *tokens, const int64_t *slots, const int64_t *positions,
             const Kin *kin, int64_t length, bf16 *scratch, bf16 *hidden, bf16 *logits) {
    int64_t last = length < m->context ? length : m->context;
    for (int64_t i = 0; i < count; i++)
        if (tokens[i] < 0 || tokens[i] >= m->vocab_size || positions[i] < 0 || positions[i] >= last) return 1;
    int64_t d = m->width, w = m->head_width, qkv_width = (m->heads + 2 * m->kv_heads) * w, q_width = m->heads * w;
    float *shares = (float *)scratch;
    bf16 *x = scratch + 4 * m->threads * length, *normed = x + count * d, *qkv = normed + count * d;
    bf16 *mixed = qkv + count * qkv_width; /* and what the feed-forward layer has inside */
#pragma omp parallel num_threads(m->threads)
    {
#pragma omp for schedule(static)
        for (int64_t i = 0; i < count; i++) memcpy(x + i * d, m->embedding + tokens[i] * d, d * sizeof(bf16));
        for (int64_t at = 0; at < m->layers; at++) {
            const Layer *layer = m->layer + at;
            norms(x, count, d, layer->before_attention, m->eps, normed);
            Use project = {STORE, layer->qkv_bias, qkv, qkv_width, qkv_width};
            product(normed, count, d, layer->qkv, (qkv_width + 31) / 32 * 2, &project);
#pragma omp barrier
            Glance glance = {layer, slots, positions, kin, count, length, qkv, mixed, shares};
            attention(m, &glance);
            Use back = {ADD, layer->out_bias, x, d, d};
            product(mixed, count, q_width, layer->out, (d + 31) / 32 * 2, &back);
#pragma omp barrier
            norms(x, count, d, layer->before_mlp, m->eps, normed);
            Use gated = {GLU, NULL, mixed, m->ff_width, m->ff_width};
            product(normed, count, d, layer->gate_up, m->ff_width / LANES * 2, &gated);
#pragma omp barrier
            Use fold = {ADD, NULL, x, d, d};
            product(mixed, count, m->ff_width, layer->down, (d + 31) / 32 * 2, &fold);
#pragma omp barrier
        }
        norms(x, count, d, m->norm, m->eps, hidden);
        if (logits) tell(m, hidden, count, logits);
    }
    return 0;
}
